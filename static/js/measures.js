// The table of measures: connected regions are counted by the server when somebody first opens it.
import { Problem, call, patiently } from "./api.js";
import { all, notify, onPage, thousands } from "./page.js";

/** @param {HTMLDetailsElement} table */
async function count(table) {
  if (!table.open || "counted" in table.dataset) return;
  table.dataset.counted = "";
  table.setAttribute("aria-busy", "true");
  try {
    const { regions } = await patiently(() => call("GET", `/runs/${table.dataset.count}/regions`), () => table.open);
    all("[data-regions]", table).forEach((cell, i) => { cell.textContent = i in regions ? thousands(regions[i]) : "–"; });
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    delete table.dataset.counted;  // opening it again asks again
    if (problem.message) notify(problem.message);
  } finally {
    table.removeAttribute("aria-busy");
  }
}

onPage((root) => {
  for (const table of /** @type {HTMLDetailsElement[]} */ (all("details[data-count]", root))) {
    table.addEventListener("toggle", () => count(table));
    count(table);
  }
});
