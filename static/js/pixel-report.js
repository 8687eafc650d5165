// Shows the colour of a pixel that was chosen in the viewer, and the probabilities of its clusters.
import { Problem, readPixel, retryWhileBusy } from "./api.js";
import { Latest } from "./model/latest.js";
import { mostProbable } from "./model/numbers.js";
import { fill } from "./model/text.js";
import { all, numbers, onPage } from "./page.js";

const MAX_CLUSTERS = 3;  // clusters that are shown
const SVG = "http://www.w3.org/2000/svg";

/**
 * Create an SVG of overlapping rectangles that start at the left.
 * @param {string} name of the class
 * @param {number} width of the view box, whose height is 1
 * @param {[number, string][]} parts widths and colours
 */
function createBar(name, width, parts) {
  const picture = document.createElementNS(SVG, "svg");
  for (const [key, value] of Object.entries({ class: name, viewBox: `0 0 ${width} 1`, preserveAspectRatio: "none", "aria-hidden": "true" })) picture.setAttribute(key, value);
  for (const [partWidth, colour] of parts) {
    const part = document.createElementNS(SVG, "rect");
    for (const [key, value] of Object.entries({ width: partWidth, height: 1, fill: colour })) part.setAttribute(key, String(value));
    picture.append(part);
  }
  return picture;
}

/** @param {(Node | string)[]} parts */
function createSpan(...parts) {
  const span = document.createElement("span");
  span.className = "with-swatch";
  span.append(...parts);
  return span;
}

/** Line of text below the picture. */
class PixelReport {
  /**
   * @param {HTMLElement} line
   * @param {HTMLElement} page with the table of clusters
   */
  constructor(line, page) {
    this.line = line;
    this.page = page;
    this.latest = new Latest();
  }

  /**
   * Fetch and show the values of a pixel.
   * @param {{x: number, y: number}} pixel
   */
  async show({ x, y }) {
    const isLatest = this.latest.start();
    this.line.setAttribute("aria-busy", "true");
    let content;
    try {
      content = this.describe(await retryWhileBusy(() => readPixel(this.line.dataset.pixelReport ?? "", { x, y }), isLatest));
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      content = [problem.message || (this.line.dataset.noResponse ?? "")];
    }
    if (!isLatest()) return;  // another pixel was chosen meanwhile
    this.line.removeAttribute("aria-busy");
    this.line.replaceChildren(...content);
  }

  /** @param {{x: number, y: number, colour: number[], clusters: number[]}} pixel */
  describe({ x, y, colour, clusters }) {
    const swatch = createBar("swatch", 1, [[1, `rgb(${colour.join(" ")})`]]);
    const parts = [createSpan(`x ${x}, y ${y}`), createSpan(swatch, colour.join(" "))];
    if (!clusters.length) return [...parts, createSpan(this.line.dataset.noData ?? "")];
    return [...parts, ...mostProbable(clusters, MAX_CLUSTERS).map(({ probability, index }) => this.describeCluster(probability, index))];
  }

  /**
   * @param {number} probability 0 to 1
   * @param {number} index of the cluster
   */
  describeCluster(probability, index) {
    const colour = /** @type {HTMLElement | null} */ (this.page.querySelector(`[data-legend] [data-c="${index}"]`))?.getAttribute("fill") ?? "";
    const name = fill(this.line.dataset.cluster ?? "", { n: index + 1 });
    return createSpan(createBar("swatch", 1, [[1, colour]]), `${name} ${numbers.wholePercent(probability)}`, createBar("share", 100, [[100 * probability, "currentColor"]]));
  }
}

onPage((root) => {
  for (const line of all("[data-pixel-report]", root)) {
    const report = new PixelReport(line, /** @type {HTMLElement} */ (line.closest("main")));
    line.closest("dialog")?.addEventListener("pixel", (event) => void report.show(/** @type {CustomEvent<{x: number, y: number}>} */ (event).detail));
  }
});
