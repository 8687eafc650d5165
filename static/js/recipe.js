// Form with the settings of a run: hides or disables fields that do not apply to the other settings.
import { all, onPage, paintRange } from "./page.js";

/** @param {HTMLFormElement} form */
function updateFields(form) {
  const regions = form.querySelector("[name=preset][value=regions]:checked") !== null;
  const auto = /** @type {HTMLInputElement | null} */ (form.querySelector("[data-auto]"))?.checked ?? false;
  for (const field of /** @type {HTMLInputElement[]} */ (all("[name=n_clusters], [data-range-for], [data-step]", form))) field.disabled = auto;
  for (const part of all("[data-for-colours]", form)) part.hidden = regions;
  for (const part of all("[data-for-regions]", form)) part.hidden = !regions;
  for (const field of /** @type {HTMLInputElement[]} */ (all("[name=n_clusters], [data-range-for]", form))) field.max = field.dataset[regions ? "maxRegions" : "maxColours"] ?? field.max;
  for (const range of /** @type {HTMLInputElement[]} */ (all("[data-range-for]", form))) paintRange(range);
}

/**
 * Connect a slider with a field that also accepts values between the steps of the slider.
 * @param {HTMLInputElement} range
 */
function connectSlider(range) {
  const field = /** @type {HTMLInputElement} */ (document.getElementById(range.dataset.shareFor ?? ""));
  range.hidden = false;
  range.addEventListener("input", () => { field.value = range.value; paintRange(range); });
  field.addEventListener("input", () => { range.value = field.value; paintRange(range); });
  range.form?.addEventListener("reset", () => setTimeout(() => { range.value = field.value; paintRange(range); }));
  paintRange(range);
}

/**
 * Set the number of clusters to that of the run to start from.
 * @param {HTMLFormElement} form
 * @param {HTMLSelectElement} select
 */
function setNumberFromStart(form, select) {
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
      // The number of regions is chosen automatically by default.
      const target = /** @type {HTMLInputElement} */ (event.target);
      if (auto && target.name === "preset") auto.checked = target.value === "regions";
      if (target.matches("[data-begin]")) setNumberFromStart(form, /** @type {HTMLSelectElement} */ (event.target));
      updateFields(form);
    });
    for (const range of /** @type {HTMLInputElement[]} */ (all("[data-share-for]", form))) connectSlider(range);
    form.addEventListener("reset", () => setTimeout(() => updateFields(form)));
    updateFields(form);
  }
});
