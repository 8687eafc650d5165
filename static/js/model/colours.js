// Conversions between label maps and canvas pixels. A colour is a 32-bit word of a canvas, with red in its lowest byte.

/**
 * @typedef {object} LabelMap
 * @property {Uint8Array} labels cluster index of each pixel, 254 unassigned, 255 no data
 * @property {number} width
 * @property {number} height
 */

const BLACK = 0xff000000, WHITE = 0xffffffff;

/**
 * @param {string} hex "#rrggbb"
 * @returns {number} the colour as an opaque word of a canvas
 */
export function colourWord(hex) {
  const rgb = parseInt(hex.slice(1), 16);
  return (0xff000000 | (rgb & 0xff) << 16 | rgb & 0xff00 | rgb >> 16) >>> 0;
}

/**
 * Return the look-up table of a segmented picture.
 * @param {string[]} colours "#rrggbb" of each cluster
 * @returns {Uint32Array} 256 words; labels without a cluster, such as 254 and 255, are transparent
 */
export function paletteTable(colours) {
  const table = new Uint32Array(256);
  colours.forEach((hex, cluster) => { table[cluster] = colourWord(hex); });
  return table;
}

/**
 * Return the look-up table of a binary picture.
 * @param {boolean[]} foreground of each cluster
 * @returns {Uint32Array} 256 words: white for the foreground, black for everything else
 */
export function foregroundTable(foreground) {
  const table = new Uint32Array(256).fill(BLACK);
  foreground.forEach((isForeground, cluster) => { if (isForeground) table[cluster] = WHITE; });
  return table;
}

/**
 * Return the labels of a grey picture on a canvas.
 * @param {Uint32Array} words pixels; the lowest byte is red, which equals the label
 * @returns {Uint8Array}
 */
export function labelsOf(words) {
  const labels = new Uint8Array(words.length);
  labels.set(words);  // takes the lowest byte of each
  return labels;
}

/**
 * Write the colour of each label.
 * @param {Uint8Array} labels
 * @param {Uint32Array} table 256 words
 * @param {Uint32Array} words receives one word for each label
 */
export function recolour(labels, table, words) {
  for (let i = 0; i < labels.length; i++) words[i] = table[labels[i] ?? 0] ?? 0;
}

/**
 * Return a size with the same aspect ratio and at most `maxPixels` pixels.
 * @param {number} width
 * @param {number} height
 * @param {number} maxPixels
 */
export function reducedSize(width, height, maxPixels) {
  const scale = Math.min(1, Math.sqrt(maxPixels / (width * height)));
  return { width: Math.max(1, Math.floor(width * scale)), height: Math.max(1, Math.floor(height * scale)) };
}
