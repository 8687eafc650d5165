// One pixel of a result, chosen in the dialog of the pictures: its colour, and how probable each cluster is.
import { Problem, patiently, pixelOf } from "./api.js";
import { Latest } from "./model/latest.js";
import { mostProbable } from "./model/numbers.js";
import { fill } from "./model/text.js";
import { all, numbers, onPage } from "./page.js";

const MOST = 3;  // clusters that are named; the others are improbable
const SVG = "http://www.w3.org/2000/svg";

/**
 * @param {string} name of the class
 * @param {number} width of the box, whose height is 1
 * @param {[number, string][]} parts widths and colours, one upon the other
 */
function drawn(name, width, parts) {
  const picture = document.createElementNS(SVG, "svg");
  for (const [key, value] of Object.entries({ class: name, viewBox: `0 0 ${width} 1`, preserveAspectRatio: "none", "aria-hidden": "true" })) picture.setAttribute(key, value);
  for (const [wide, colour] of parts) {
    const part = document.createElementNS(SVG, "rect");
    for (const [key, value] of Object.entries({ width: wide, height: 1, fill: colour })) part.setAttribute(key, String(value));
    picture.append(part);
  }
  return picture;
}

/** @param {(Node | string)[]} parts */
function piece(...parts) {
  const span = document.createElement("span");
  span.className = "with-swatch";
  span.append(...parts);
  return span;
}

/** What is said below the picture. */
class PixelReport {
  /**
   * @param {HTMLElement} line
   * @param {HTMLElement} page with the table of clusters
   */
  constructor(line, page) {
    this.line = line;
    this.page = page;
    this.asked = new Latest();
  }

  /** @param {{x: number, y: number}} pixel */
  async at({ x, y }) {
    const isLatest = this.asked.ask();
    this.line.setAttribute("aria-busy", "true");
    let shown;
    try {
      shown = this.told(await patiently(() => pixelOf(this.line.dataset.pixelReport ?? "", { x, y }), isLatest));
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      shown = [problem.message || (this.line.dataset.lost ?? "")];
    }
    if (!isLatest()) return;  // another pixel was chosen meanwhile
    this.line.removeAttribute("aria-busy");
    this.line.replaceChildren(...shown);
  }

  /** @param {{x: number, y: number, colour: number[], clusters: number[]}} pixel */
  told({ x, y, colour, clusters }) {
    const words = this.line.dataset, own = drawn("swatch", 1, [[1, `rgb(${colour.join(" ")})`]]);
    const told = [piece(`x ${x}, y ${y}`), piece(own, colour.join(" "))];
    if (!clusters.length) return [...told, piece(words.nothing ?? "")];
    return [...told, ...mostProbable(clusters, MOST).map(({ probability, index }) => this.cluster(probability, index))];
  }

  /**
   * @param {number} share
   * @param {number} index
   */
  cluster(share, index) {
    const fills = /** @type {HTMLElement | null} */ (this.page.querySelector(`[data-legend] [data-c="${index}"]`))?.getAttribute("fill") ?? "";
    const name = fill(this.line.dataset.cluster ?? "", { n: index + 1 });
    return piece(drawn("swatch", 1, [[1, fills]]), `${name} ${numbers.wholePercent(share)}`, drawn("share", 100, [[100 * share, "currentColor"]]));
  }
}

onPage((root) => {
  for (const line of all("[data-pixel-report]", root)) {
    const report = new PixelReport(line, /** @type {HTMLElement} */ (line.closest("main")));
    line.closest("dialog")?.addEventListener("pixel", (event) => void report.at(/** @type {CustomEvent<{x: number, y: number}>} */ (event).detail));
  }
});
