// One pixel of a result, chosen in the dialog of the pictures: its colour, and how probable each cluster is.
import { Problem, call, patiently } from "./api.js";
import { all, fill, onPage } from "./page.js";

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
    /** @type {symbol | null} */
    this.latest = null;
  }

  /** @param {{x: number, y: number}} pixel */
  async at({ x, y }) {
    const latest = this.latest = Symbol("pixel");
    this.line.setAttribute("aria-busy", "true");
    let shown;
    try {
      const ask = () => call("GET", `/runs/${this.line.dataset.pixelReport}/at?x=${x}&y=${y}`);
      shown = this.told(await patiently(ask, () => this.latest === latest));
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      shown = [problem.message || (this.line.dataset.lost ?? "")];
    }
    if (this.latest !== latest) return;  // another pixel was chosen meanwhile
    this.line.removeAttribute("aria-busy");
    this.line.replaceChildren(...shown);
  }

  /** @param {{x: number, y: number, colour: number[], clusters: number[]}} pixel */
  told({ x, y, colour, clusters }) {
    const words = this.line.dataset, own = drawn("swatch", 1, [[1, `rgb(${colour.join(" ")})`]]);
    const told = [piece(`x ${x}, y ${y}`), piece(own, colour.join(" "))];
    if (!clusters.length) return [...told, piece(words.nothing ?? "")];
    const order = clusters.map((share, i) => ({ share, i })).sort((a, b) => b.share - a.share).slice(0, MOST);
    return [...told, ...order.filter(({ share }, place) => place === 0 || share >= 0.005).map(({ share, i }) => this.cluster(share, i))];
  }

  /**
   * @param {number} share
   * @param {number} index
   */
  cluster(share, index) {
    const fills = /** @type {HTMLElement | null} */ (this.page.querySelector(`[data-legend] [data-c="${index}"]`))?.getAttribute("fill") ?? "";
    const name = fill(this.line.dataset.cluster ?? "", { n: index + 1 });
    return piece(drawn("swatch", 1, [[1, fills]]), `${name} ${Math.round(share * 100)}\u202f%`, drawn("share", 100, [[100 * share, "currentColor"]]));
  }
}

onPage((root) => {
  for (const line of all("[data-pixel-report]", root)) {
    const report = new PixelReport(line, /** @type {HTMLElement} */ (line.closest("main")));
    line.closest("dialog")?.addEventListener("pixel", (event) => report.at(/** @type {CustomEvent<{x: number, y: number}>} */ (event).detail));
  }
});
