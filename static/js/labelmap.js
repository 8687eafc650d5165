// Label map in the browser: one label for each pixel, painted with a look-up table of colours without a request to the server.
import { labelsOf, recolour, reducedSize } from "./model/colours.js";

/** @import { LabelMap } from "./model/colours.js" */

const MOST_PIXELS = 4_000_000;  // more than a screen shows; painting takes one or two frames

/**
 * Fetch `labels.png` and decode it without changing its values.
 *
 * Larger maps are reduced by nearest-neighbour sampling, so that every value is still a label.
 * @param {string} url
 * @returns {Promise<LabelMap>}
 */
export async function load(url) {
  const response = await fetch(url, { credentials: "same-origin" });
  if (!response.ok) throw new Error(`label map: ${response.status}`);
  const bitmap = await createImageBitmap(await response.blob(), { premultiplyAlpha: "none", colorSpaceConversion: "none" });
  const { width, height } = reducedSize(bitmap.width, bitmap.height, MOST_PIXELS);
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
  context.imageSmoothingEnabled = false;
  context.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  const labels = labelsOf(new Uint32Array(context.getImageData(0, 0, width, height).data.buffer));
  return { labels, width, height };
}

/**
 * Paint a label map on a canvas.
 * @param {LabelMap} map
 * @param {HTMLCanvasElement} canvas is resized to the map
 * @param {Uint32Array} table 256 colours as 32-bit words of a canvas
 */
export function paint(map, canvas, table) {
  if (canvas.width !== map.width || canvas.height !== map.height) Object.assign(canvas, { width: map.width, height: map.height });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const image = context.createImageData(map.width, map.height);
  recolour(map.labels, table, new Uint32Array(image.data.buffer));
  context.putImageData(image, 0, 0);
}
