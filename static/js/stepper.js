// Steppers and sliders: a number that can be typed, with buttons or a slider beside it.
import { all, fill, notify, onPage, paintRange } from "./page.js";

/** @param {HTMLInputElement} field */
function clamped(field) {
  const value = Math.round(Number(field.value) || Number(field.min));
  return String(Math.min(Number(field.max), Math.max(Number(field.min), value)));
}

/**
 * Put a number that was typed into its range, and say so.
 * @param {HTMLInputElement} field
 */
function settle(field) {
  const typed = field.value, now = clamped(field);
  field.value = now;
  if (typed !== "" && Number(typed) !== Number(now)) notify(fill(field.dataset.settled ?? "", { typed, now, low: field.min, high: field.max }));
}

onPage((root) => {
  for (const stepper of all("[data-stepper]", root)) {
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
        field.value = String(Number(field.value) + Number(button.dataset.step));
        field.value = clamped(field);
        field.dispatchEvent(new Event("input", { bubbles: true }));
      });
    }
    field.addEventListener("input", show);
    field.addEventListener("change", () => { settle(field); show(); });
    show();
  }
  for (const range of /** @type {HTMLInputElement[]} */ (all("[data-range-for]", root))) {
    const field = /** @type {HTMLInputElement} */ (document.getElementById(range.dataset.rangeFor ?? ""));
    range.hidden = false;
    range.addEventListener("input", () => { field.value = range.value; paintRange(range); });
    field.addEventListener("input", () => { range.value = field.value; paintRange(range); });
    field.addEventListener("change", () => { settle(field); range.value = field.value; paintRange(range); });
    paintRange(range);
  }
});
