// Calculations for sliders, number fields, tables and bars.

/**
 * Return the whole number in the range of a field that is nearest to the typed text.
 * @param {string} typed
 * @param {number} min is returned for text that is not a number
 * @param {number} max
 */
export function clamped(typed, min, max) {
  const value = typed.trim() === "" ? NaN : Math.round(Number(typed));
  return Number.isNaN(value) ? min : Math.min(max, Math.max(min, value));
}

/**
 * @param {number} value
 * @param {number} min
 * @param {number} max
 * @returns {number} filled part of a slider, 0 to 1
 */
export function partOf(value, min, max) {
  return max > min ? Math.min(1, Math.max(0, (value - min) / (max - min))) : 0;
}

/**
 * Return the number of foreground pixels and their share.
 * @param {boolean[]} foreground of each cluster
 * @param {number[]} sizes pixels of each cluster
 */
export function foregroundOf(foreground, sizes) {
  const total = sizes.reduce((sum, n) => sum + n, 0);
  const pixels = sizes.reduce((sum, n, i) => sum + (foreground[i] ? n : 0), 0);
  return { pixels, share: total ? pixels / total : 0 };
}

/**
 * Return the most probable clusters of a pixel, sorted by probability. All but the first have at least 0.5 per cent.
 * @param {number[]} probabilities of each cluster
 * @param {number} limit
 */
export function mostProbable(probabilities, limit) {
  return probabilities.map((probability, index) => ({ probability, index }))
    .sort((a, b) => b.probability - a.probability)
    .slice(0, limit)
    .filter(({ probability }, rank) => rank === 0 || probability >= 0.005);
}
