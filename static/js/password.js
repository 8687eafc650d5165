// Button in a password field that shows the password; it is hidden without JavaScript.
import { all, onPage } from "./page.js";

onPage((root) => {
  for (const button of /** @type {HTMLButtonElement[]} */ (all("[data-show]", root))) {
    const field = /** @type {HTMLInputElement} */ (document.getElementById(button.getAttribute("aria-controls") ?? ""));
    /** @param {boolean} shown */
    const show = (shown) => {
      field.type = shown ? "text" : "password";
      button.setAttribute("aria-pressed", String(shown));
    };
    button.hidden = false;
    button.addEventListener("click", () => show(field.type === "password"));
    field.form?.addEventListener("submit", () => show(false));  // browsers store the values of plain text fields
  }
});
