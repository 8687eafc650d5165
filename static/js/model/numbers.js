// Small sums behind sliders, steppers, tables and bars.

/**
 * Return the whole number nearest to what was typed that a field admits.
 * @param {string} typed
 * @param {number} min is taken for what is no number
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
 * @returns {number} which part of a slider is filled, 0 to 1
 */
export function partOf(value, min, max) {
  return max > min ? Math.min(1, Math.max(0, (value - min) / (max - min))) : 0;
}

/**
 * Return how many pixels are in the foreground, and which share of all that is.
 * @param {boolean[]} foreground of each cluster
 * @param {number[]} sizes pixels of each cluster
 */
export function foregroundOf(foreground, sizes) {
  const total = sizes.reduce((sum, n) => sum + n, 0);
  const pixels = sizes.reduce((sum, n, i) => sum + (foreground[i] ? n : 0), 0);
  return { pixels, share: total ? pixels / total : 0 };
}

/**
 * Return the clusters that a pixel may belong to, the most probable first.
 * @param {number[]} probabilities of each cluster
 * @param {number} most how many at most; all but the first have half a per cent or more
 */
export function mostProbable(probabilities, most) {
  return probabilities.map((probability, index) => ({ probability, index }))
    .sort((a, b) => b.probability - a.probability)
    .slice(0, most)
    .filter(({ probability }, place) => place === 0 || probability >= 0.005);
}
