// Numbers and sentences as people read them.

/**
 * Fill the `%(name)s` places of a translated sentence.
 * @param {string} template
 * @param {Record<string, string | number>} values
 */
export function fill(template, values) {
  return template.replace(/%\((\w+)\)s/g, (place, /** @type {string} */ name) => String(values[name] ?? place));
}

/**
 * @param {number} share 0 to 1
 * @param {string} [language] of the page, as a BCP 47 tag; its decimal sign is used
 */
export function percent(share, language) {
  const format = new Intl.NumberFormat(language || undefined, { minimumFractionDigits: 1, maximumFractionDigits: 1, useGrouping: false });
  return `${format.format(share * 100)}\u202f%`;
}

/** @param {number} share 0 to 1 */
export function wholePercent(share) {
  return `${Math.round(share * 100)}\u202f%`;
}

/** @param {number} count */
export function thousands(count) {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, "\u202f");
}

/**
 * Return a number that is not negative with at least four digits, or fewer if they would be zeros behind it.
 * @param {number} value
 * @param {string} [language] of the page, as a BCP 47 tag; its decimal sign is used
 */
export function fourDigits(value, language) {
  if (value >= 1000 || value === 0) return thousands(value);
  const decimals = Math.min(3 - Math.floor(Math.log10(value)), 20);
  const format = new Intl.NumberFormat(language || undefined, { maximumFractionDigits: decimals, useGrouping: false });
  return format.format(value);
}

/** @param {number} bytes */
export function fileSize(bytes) {
  return bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))}\u202fkB` : `${Number((bytes / 1e6).toFixed(1))}\u202fMB`;
}
