// Numbers and sentences as people read them.

/**
 * Fill the `%(name)s` places of a translated sentence.
 * @param {string} template
 * @param {Record<string, string | number>} values
 */
export function fill(template, values) {
  return template.replace(/%\((\w+)\)s/g, (place, /** @type {string} */ name) => String(values[name] ?? place));
}

/** @param {number} share 0 to 1 */
export function percent(share) {
  return `${(share * 100).toFixed(1)}\u202f%`;
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
