// The table of measures: connected regions are counted by the server when somebody first opens it.
import { Problem, countRegions, patiently } from "./api.js";
import { all, notify, numbers, onPage } from "./page.js";

/** @param {HTMLDetailsElement} table */
async function count(table) {
  if (!table.open || "counted" in table.dataset) return;
  table.dataset.counted = "";
  table.setAttribute("aria-busy", "true");
  try {
    const { regions } = await patiently(() => countRegions(table.dataset.count ?? ""), () => table.open);
    all("[data-regions]", table).forEach((cell, i) => {
      const number = regions[i];
      cell.textContent = number === undefined ? "–" : numbers.thousands(number);
    });
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
    table.addEventListener("toggle", () => void count(table));
    void count(table);
  }
});
