// Divider between two pictures that lie on top of each other, and the example on the landing page.
import { Latest } from "./model/latest.js";
import { fill } from "./model/text.js";
import { all, onPage, paintRange } from "./page.js";

/** @param {HTMLElement} box */
function divide(box) {
  const slide = /** @type {HTMLInputElement} */ (box.querySelector("input"));
  const move = () => box.style.setProperty("--split", `${slide.value}%`);
  slide.addEventListener("input", move);
  move();
}

/** @param {HTMLElement} demo */
function choose(demo) {
  const range = /** @type {HTMLInputElement} */ (demo.querySelector("[data-demo-k]"));
  const over = /** @type {HTMLImageElement} */ (demo.querySelector("[data-over]"));
  const slide = /** @type {HTMLInputElement} */ (demo.querySelector(".slide"));
  const parts = all("[data-for-k]", demo), latest = new Latest();
  /** @type {Map<string, HTMLImageElement>} */
  const pictures = new Map();

  /** @param {string} k */
  const picture = (k) => {
    let found = pictures.get(k);
    if (!found) {
      found = new Image();
      found.src = parts.find((part) => part.dataset.forK === k && part.dataset.picture)?.dataset.picture ?? "";
      pictures.set(k, found);
    }
    return found;
  };
  const fetchAll = () => { for (const part of parts) picture(part.dataset.forK ?? ""); };

  const show = async () => {
    const k = range.value, isLatest = latest.start();
    paintRange(range);
    for (const part of parts) part.hidden = part.dataset.forK !== k;
    for (const out of /** @type {HTMLOutputElement[]} */ (all("[data-demo-out]", demo))) out.value = k;
    for (const label of all("[data-over-tag]", demo)) label.textContent = fill(demo.dataset.overLabel ?? "", { n: k });
    slide.setAttribute("aria-label", fill(demo.dataset.divider ?? "", { n: k }));
    await picture(k).decode().catch(() => undefined);
    if (isLatest()) over.src = picture(k).src;
  };
  range.addEventListener("input", () => void show());
  for (const first of ["pointerenter", "focus"]) range.addEventListener(first, fetchAll, { once: true });
  paintRange(range);
}

onPage((root) => {
  all("[data-compare]", root).forEach(divide);
  all("[data-demo]", root).forEach(choose);
});
