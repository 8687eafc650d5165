// The label map in the browser: one value a pixel, painted through a look-up table without asking the server.
import { labelsOf, recolour, reducedSize } from "./model/colours.js";

/** @import { LabelMap } from "./model/colours.js" */

const MOST_PIXELS = 4_000_000;  // more than a screen shows; keeps painting below a frame or two

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
  const { width, height } = reducedSize(bitmap.width, bitmap.height, MOST_PIXELS);
  const board = Object.assign(document.createElement("canvas"), { width, height });
  const context = /** @type {CanvasRenderingContext2D} */ (board.getContext("2d", { willReadFrequently: true }));
  context.imageSmoothingEnabled = false;
  context.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  const labels = labelsOf(new Uint32Array(context.getImageData(0, 0, width, height).data.buffer));
  return { labels, width, height };
}

/**
 * @param {LabelMap} map
 * @param {HTMLCanvasElement} canvas resized to the map
 * @param {Uint32Array} table 256 colours, as words of a canvas
 */
export function paint(map, canvas, table) {
  if (canvas.width !== map.width || canvas.height !== map.height) Object.assign(canvas, { width: map.width, height: map.height });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const image = context.createImageData(map.width, map.height);
  recolour(map.labels, table, new Uint32Array(image.data.buffer));
  context.putImageData(image, 0, 0);
}
