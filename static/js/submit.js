// A form is sent once: pressing its button again while the answer is on its way would make two of everything.
import { all } from "./page.js";

const UNTIL_AGAIN = 10_000;  // milliseconds; a browser does not tell when somebody has stopped the loading of the answer

/** @type {Set<HTMLFormElement>} */
const sent = new Set();

/** @param {HTMLFormElement} form can be sent again */
function release(form) {
  sent.delete(form);
  for (const button of all("button[aria-busy=true]", form)) button.removeAttribute("aria-busy");
}

document.addEventListener("submit", (event) => {
  const form = /** @type {HTMLFormElement} */ (event.target);
  if (event.defaultPrevented || form.method !== "post") return;
  if (sent.has(form)) return event.preventDefault();
  sent.add(form);
  event.submitter?.setAttribute("aria-busy", "true");
  setTimeout(() => release(form), UNTIL_AGAIN);
});

// A page that the browser brings back as it was left.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) [...sent].forEach(release);
});
