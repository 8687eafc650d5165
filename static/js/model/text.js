// Formatting of numbers and sentences.

/**
 * Replace the placeholders `%(name)s` of a translated sentence.
 * @param {string} template
 * @param {Record<string, string | number>} values
 */
export function fill(template, values) {
  return template.replace(/%\((\w+)\)s/g, (placeholder, /** @type {string} */ name) => String(values[name] ?? placeholder));
}

/**
 * Numbers as a language writes them; `segmentation/formatting.py` writes the same. A unit follows after a narrow no-break space.
 * @param {string} language a BCP 47 tag
 */
export function numbersIn(language) {
  /**
   * @param {number} value
   * @param {number} least decimals
   * @param {number} most decimals
   */
  const number = (value, least, most) => new Intl.NumberFormat(language, {
    minimumFractionDigits: least, maximumFractionDigits: most, useGrouping: "always",
  }).format(value);
  /**
   * @param {number} size in units of a thousand bytes
   * @param {string} unit
   */
  const inUnit = (size, unit) => `${number(size, 0, unit === "kB" ? 0 : 1)}\u202f${unit}`;
  return {
    /** @param {number} share 0 to 1 */
    percent: (share) => `${number(share * 100, 1, 1)}\u202f%`,
    /** @param {number} share 0 to 1, without the sign of per cent */
    percentage: (share) => number(share * 100, 1, 1),
    /** @param {number} share 0 to 1 */
    wholePercent: (share) => `${number(share * 100, 0, 0)}\u202f%`,
    /** @param {number} count */
    thousands: (count) => number(count, 0, 0),
    /** @param {number} value not negative; as `four_digits` */
    fourDigits: (value) => number(value, 0, value > 0 ? Math.min(Math.max(3 - Math.floor(Math.log10(value)), 0), 20) : 0),
    /** @param {number} bytes */
    fileSize(bytes) {
      if (bytes < 1e6) return inUnit(bytes < 1e3 ? Math.ceil(bytes / 1e3) : bytes / 1e3, "kB");
      return bytes < 1e9 ? inUnit(bytes / 1e6, "MB") : inUnit(bytes / 1e9, "GB");
    },
  };
}
