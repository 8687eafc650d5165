// Steppers and sliders: a number that can be typed, with buttons or a slider beside it.
import { clamped } from "./model/numbers.js";
import { fill } from "./model/text.js";
import { all, notify, onPage, paintRange } from "./page.js";

/**
 * Put a number that was typed into its range, and say so.
 * @param {HTMLInputElement} field
 */
function settle(field) {
  const typed = field.value, now = clamped(typed, Number(field.min), Number(field.max));
  field.value = String(now);
  if (typed !== "" && Number(typed) !== now) notify(fill(field.dataset.settled ?? "", { typed, now, low: field.min, high: field.max }));
}

/** @param {HTMLElement} stepper */
function step(stepper) {
  const field = /** @type {HTMLInputElement} */ (stepper.querySelector("input"));
  const buttons = /** @type {HTMLButtonElement[]} */ (all("[data-step]", stepper));
  const show = () => {
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
  field.addEventListener("input", show);
  field.addEventListener("change", () => { settle(field); show(); });
  show();
}

/** @param {HTMLInputElement} range */
function slide(range) {
  const field = /** @type {HTMLInputElement} */ (document.getElementById(range.dataset.rangeFor ?? ""));
  range.hidden = false;
  range.addEventListener("input", () => { field.value = range.value; paintRange(range); });
  field.addEventListener("input", () => { range.value = field.value; paintRange(range); });
  field.addEventListener("change", () => { settle(field); range.value = field.value; paintRange(range); });
  paintRange(range);
}

onPage((root) => {
  all("[data-stepper]", root).forEach(step);
  /** @type {HTMLInputElement[]} */ (all("[data-range-for]", root)).forEach(slide);
});
