// The label map in the browser: one value a pixel, painted through a look-up table without asking the server.

const MOST_PIXELS = 4_000_000;  // more than a screen shows; keeps painting below a frame or two

/**
 * @typedef {object} LabelMap
 * @property {Uint8Array} labels cluster index of each pixel, 254 unassigned, 255 no data
 * @property {number} width
 * @property {number} height
 */

/**
 * Fetch `labels.png` and decode it without any change of its values.
 *
 * Larger maps are reduced by taking the nearest pixel, so that every value is still a label.
 * @param {string} url
 * @returns {Promise<LabelMap>}
 */
export async function load(url) {
  const answer = await fetch(url, { credentials: "same-origin" });
  if (!answer.ok) throw new Error(`label map: ${answer.status}`);
  const bitmap = await createImageBitmap(await answer.blob(), { premultiplyAlpha: "none", colorSpaceConversion: "none" });
  const scale = Math.min(1, Math.sqrt(MOST_PIXELS / (bitmap.width * bitmap.height)));
  const width = Math.max(1, Math.round(bitmap.width * scale)), height = Math.max(1, Math.round(bitmap.height * scale));
  const board = Object.assign(document.createElement("canvas"), { width, height });
  const context = /** @type {CanvasRenderingContext2D} */ (board.getContext("2d", { willReadFrequently: true }));
  context.imageSmoothingEnabled = false;
  context.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  const words = new Uint32Array(context.getImageData(0, 0, width, height).data.buffer);
  const labels = new Uint8Array(words.length);
  for (let i = 0; i < words.length; i++) labels[i] = words[i];  // red is the lowest byte, and grey is red
  return { labels, width, height };
}

/**
 * @param {LabelMap} map
 * @param {HTMLCanvasElement} canvas resized to the map
 * @param {Uint32Array} table 256 colours, as `colour` makes them
 */
export function paint(map, canvas, table) {
  if (canvas.width !== map.width || canvas.height !== map.height) Object.assign(canvas, { width: map.width, height: map.height });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const image = context.createImageData(map.width, map.height);
  const words = new Uint32Array(image.data.buffer), { labels } = map;
  for (let i = 0; i < words.length; i++) words[i] = table[labels[i]];
  context.putImageData(image, 0, 0);
}

/**
 * @param {string} hex "#rrggbb"
 * @returns {number} the same as a word of a canvas, opaque
 */
export function colour(hex) {
  const rgb = parseInt(hex.slice(1), 16);
  return (0xff000000 | (rgb & 0xff) << 16 | rgb & 0xff00 | rgb >> 16) >>> 0;
}
