// Fields for a number, with buttons or a slider beside them.
import { clamped } from "./model/numbers.js";
import { fill } from "./model/text.js";
import { all, notify, onPage, paintRange } from "./page.js";

/**
 * Replace a number outside the range of its field by the nearest possible one, and show a message.
 * @param {HTMLInputElement} field
 */
function limit(field) {
  const typed = field.value, now = clamped(typed, Number(field.min), Number(field.max));
  field.value = String(now);
  if (typed !== "" && Number(typed) !== now) notify(fill(field.dataset.settled ?? "", { typed, now, low: field.min, high: field.max }));
}

/** @param {HTMLElement} stepper */
function connectButtons(stepper) {
  const field = /** @type {HTMLInputElement} */ (stepper.querySelector("input"));
  const buttons = /** @type {HTMLButtonElement[]} */ (all("[data-step]", stepper));
  const updateButtons = () => {
    for (const button of buttons) {
      const end = Number(button.dataset.step) > 0 ? field.max : field.min;
      button.setAttribute("aria-disabled", String(field.value === end));
    }
  };
  for (const button of buttons) {
    button.hidden = false;
    button.addEventListener("click", () => {
      field.value = String(clamped(String(Number(field.value) + Number(button.dataset.step)), Number(field.min), Number(field.max)));
      field.dispatchEvent(new Event("input", { bubbles: true }));
    });
  }
  field.addEventListener("input", updateButtons);
  field.addEventListener("change", () => { limit(field); updateButtons(); });
  updateButtons();
}

/** @param {HTMLInputElement} range */
function connectSlider(range) {
  const field = /** @type {HTMLInputElement} */ (document.getElementById(range.dataset.rangeFor ?? ""));
  range.hidden = false;
  range.addEventListener("input", () => { field.value = range.value; paintRange(range); });
  field.addEventListener("input", () => { range.value = field.value; paintRange(range); });
  field.addEventListener("change", () => { limit(field); range.value = field.value; paintRange(range); });
  paintRange(range);
}

onPage((root) => {
  all("[data-stepper]", root).forEach(connectButtons);
  /** @type {HTMLInputElement[]} */ (all("[data-range-for]", root)).forEach(connectSlider);
});
