// Form with the settings of a run: hides or disables fields that do not apply to the other settings.
import { all, onPage, paintRange } from "./page.js";

/** @param {HTMLFormElement} form */
function updateFields(form) {
  const regions = form.querySelector("[name=preset][value=regions]:checked") !== null;
  const auto = /** @type {HTMLInputElement | null} */ (form.querySelector("[data-auto]"))?.checked ?? false;
  for (const field of /** @type {HTMLInputElement[]} */ (all("[name=n_clusters], [data-range-for], [data-step]", form))) field.disabled = auto;
  showMeaningOfFull(form);
  markQuickChoice(form);
  for (const part of all("[data-for-colours]", form)) part.hidden = regions;
  for (const part of all("[data-for-regions]", form)) part.hidden = !regions;
  for (const field of /** @type {HTMLInputElement[]} */ (all("[name=n_clusters], [data-range-for]", form))) field.max = field.dataset[regions ? "maxRegions" : "maxColours"] ?? field.max;
  for (const range of /** @type {HTMLInputElement[]} */ (all("[data-range-for]", form))) paintRange(range);
}

/** @param {HTMLFormElement} form */
const presetOf = (form) => /** @type {HTMLInputElement | null} */ (form.querySelector("[name=preset]:checked"))?.value ?? "";

/**
 * With the preset Areas, the shape `full` means `mixed`: say so, and do not offer `mixed` twice.
 * @param {HTMLFormElement} form
 */
function showMeaningOfFull(form) {
  const select = /** @type {HTMLSelectElement | null} */ (form.querySelector("[name=covariance]"));
  const full = select?.querySelector("option[data-areas]");
  if (!select || !(full instanceof HTMLOptionElement)) return;
  const areas = presetOf(form) === "areas";
  full.textContent = (areas ? full.dataset.areas : full.dataset.colours) ?? "";
  let mixed = /** @type {HTMLOptionElement | null} */ (select.querySelector("[value=mixed]"));
  if (!mixed) {
    mixed = new Option(full.dataset.areas, "mixed");
    select.append(mixed);
  }
  if (areas && mixed.selected) full.selected = true;
  mixed.hidden = mixed.disabled = areas;
}

/**
 * @param {HTMLFormElement} form
 * @param {string} name
 * @returns {string} value of a setting, empty for a check box that is off
 */
function settingOf(form, name) {
  const value = new FormData(form).get(name);
  return typeof value === "string" ? value : "";
}

/** @param {HTMLAnchorElement} link */
function settingsOf(link) {
  const settings = /** @type {unknown} */ (JSON.parse(link.dataset.settings ?? "{}"));
  return Object.entries(/** @type {Record<string, string>} */ (settings));
}

/**
 * Unmark the chosen kind of picture when other settings are chosen by hand.
 * @param {HTMLFormElement} form
 */
function markQuickChoice(form) {
  for (const link of /** @type {HTMLAnchorElement[]} */ (all("[data-settings][aria-current]", form))) {
    if (settingsOf(link).some(([name, value]) => settingOf(form, name) !== value)) link.removeAttribute("aria-current");
  }
}

/**
 * Put the settings of a kind of picture into the form.
 * @param {HTMLFormElement} form
 * @param {HTMLAnchorElement} link
 */
function choose(form, link) {
  link.setAttribute("aria-current", "true");
  for (const [name, value] of settingsOf(link)) {
    for (const field of /** @type {(HTMLInputElement | HTMLSelectElement)[]} */ (all(`[name="${name}"]`, form))) {
      if (field instanceof HTMLInputElement && field.type === "radio") field.checked = field.value === value;
      else if (field instanceof HTMLInputElement && field.type === "checkbox") field.checked = value !== "";
      else field.value = value;
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }
  }
  for (const other of all("[data-settings]", form)) if (other !== link) other.removeAttribute("aria-current");
  form.querySelector("[name=preset]:checked")?.dispatchEvent(new Event("change", { bubbles: true }));
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
    let wereRegions = presetOf(form) === "regions";
    form.addEventListener("change", (event) => {
      // The number of regions is chosen automatically by default.
      const target = /** @type {HTMLInputElement} */ (event.target), areRegions = presetOf(form) === "regions";
      if (auto && areRegions !== wereRegions) auto.checked = areRegions;
      wereRegions = areRegions;
      if (target.matches("[data-begin]")) setNumberFromStart(form, /** @type {HTMLSelectElement} */ (event.target));
      updateFields(form);
    });
    for (const range of /** @type {HTMLInputElement[]} */ (all("[data-share-for]", form))) connectSlider(range);
    for (const link of /** @type {HTMLAnchorElement[]} */ (all("[data-settings]", form))) {
      link.addEventListener("click", (event) => { event.preventDefault(); choose(form, link); });
    }
    form.addEventListener("reset", () => setTimeout(() => updateFields(form)));
    updateFields(form);
  }
});
