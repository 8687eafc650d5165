// The settings of a run in a form: those that make no sense together are hidden or switched off.
import { all, onPage, paintRange } from "./page.js";

/** @param {HTMLFormElement} form */
function show(form) {
  const regions = form.querySelector("[name=preset][value=regions]:checked") !== null;
  const auto = /** @type {HTMLInputElement | null} */ (form.querySelector("[data-auto]"))?.checked ?? false;
  for (const field of /** @type {HTMLInputElement[]} */ (all("[name=n_clusters], [data-range-for], [data-step]", form))) field.disabled = auto;
  for (const part of all("[data-for-colours]", form)) part.hidden = regions;
  for (const part of all("[data-for-regions]", form)) part.hidden = !regions;
  for (const field of /** @type {HTMLInputElement[]} */ (all("[name=n_clusters], [data-range-for]", form))) field.max = field.dataset[regions ? "maxRegions" : "maxColours"] ?? field.max;
  for (const range of /** @type {HTMLInputElement[]} */ (all("[data-range-for]", form))) paintRange(range);
}

/**
 * A slider beside a field that takes more values than the slider has: the field keeps what was typed.
 * @param {HTMLInputElement} range
 */
function follow(range) {
  const field = /** @type {HTMLInputElement} */ (document.getElementById(range.dataset.shareFor ?? ""));
  range.hidden = false;
  range.addEventListener("input", () => { field.value = range.value; paintRange(range); });
  field.addEventListener("input", () => { range.value = field.value; paintRange(range); });
  range.form?.addEventListener("reset", () => setTimeout(() => { range.value = field.value; paintRange(range); }));
  paintRange(range);
}

/**
 * Who goes on from a result has as many clusters as it has.
 * @param {HTMLFormElement} form
 * @param {HTMLSelectElement} select
 */
function begin(form, select) {
  const clusters = select.selectedOptions[0]?.dataset.clusters;
  const auto = /** @type {HTMLInputElement | null} */ (form.querySelector("[data-auto]"));
  const number = /** @type {HTMLInputElement | null} */ (form.querySelector("[name=n_clusters]"));
  if (!clusters || !number) return;
  if (auto) auto.checked = false;
  number.value = clusters;
  number.dispatchEvent(new Event("input", { bubbles: true }));
}

onPage((root) => {
  for (const form of /** @type {HTMLFormElement[]} */ (all("form:has([name=preset][type=radio])", root))) {
    const auto = /** @type {HTMLInputElement | null} */ (form.querySelector("[data-auto]"));
    form.addEventListener("change", (event) => {
      // Regions are counted by the engine unless a person wants to.
      const target = /** @type {HTMLInputElement} */ (event.target);
      if (auto && target.name === "preset") auto.checked = target.value === "regions";
      if (target.matches("[data-begin]")) begin(form, /** @type {HTMLSelectElement} */ (event.target));
      show(form);
    });
    for (const range of /** @type {HTMLInputElement[]} */ (all("[data-share-for]", form))) follow(range);
    form.addEventListener("reset", () => setTimeout(() => show(form)));
    show(form);
  }
});
