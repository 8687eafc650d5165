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

/** @param {number} bytes */
export function fileSize(bytes) {
  return bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))}\u202fkB` : `${Number((bytes / 1e6).toFixed(1))}\u202fMB`;
}
