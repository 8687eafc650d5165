// Table of measurements: asks the server to count the connected regions when the table is first opened.
import { Problem, countRegions, retryWhileBusy } from "./api.js";
import { all, notify, numbers, onPage } from "./page.js";

/** @param {HTMLDetailsElement} table */
async function count(table) {
  if (!table.open || "counted" in table.dataset) return;
  table.dataset.counted = "";
  table.setAttribute("aria-busy", "true");
  try {
    const { regions } = await retryWhileBusy(() => countRegions(table.dataset.count ?? ""), () => table.open);
    all("[data-regions]", table).forEach((cell, i) => {
      const number = regions[i];
      cell.textContent = number === undefined ? "–" : numbers.thousands(number);
    });
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    delete table.dataset.counted;  // so that opening it again sends a new request
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
