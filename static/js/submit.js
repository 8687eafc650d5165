// Prevents a form from being sent twice while the browser waits for the response.
import { all } from "./page.js";

const TIMEOUT = 10_000;  // milliseconds; there is no event when somebody stops loading the page

/** @type {Set<HTMLFormElement>} */
const sent = new Set();

/** @param {HTMLFormElement} form that may be sent again */
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
  setTimeout(() => release(form), TIMEOUT);
});

// The browser has restored the page from its back/forward cache.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) [...sent].forEach(release);
});
