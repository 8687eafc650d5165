// History: the search is sent when typing pauses.
import { all, onPage } from "./page.js";

onPage((root) => {
  for (const field of /** @type {HTMLInputElement[]} */ (all("[data-search]", root))) {
    // The page that a search has loaded goes on where the typing stopped.
    if (field.value && new URLSearchParams(location.search).has("q") && document.referrer.startsWith(location.origin + location.pathname)) {
      field.focus({ preventScroll: true });
      field.setSelectionRange(field.value.length, field.value.length);
    }
    const asked = field.value;
    let timer = 0;
    field.addEventListener("input", () => {
      clearTimeout(timer);
      timer = window.setTimeout(() => {
        if (field.value.trim() !== asked.trim()) field.form?.requestSubmit();
      }, 600);
    });
  }
});
