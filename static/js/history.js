// History page: submits the search when typing pauses.
import { all, onPage } from "./page.js";

onPage((root) => {
  for (const field of /** @type {HTMLInputElement[]} */ (all("[data-search]", root))) {
    // After a search, the cursor is again at the end of the text.
    if (field.value && new URLSearchParams(location.search).has("q") && document.referrer.startsWith(location.origin + location.pathname)) {
      field.focus({ preventScroll: true });
      field.setSelectionRange(field.value.length, field.value.length);
    }
    const submitted = field.value;
    let timer = 0;
    field.addEventListener("input", () => {
      clearTimeout(timer);
      timer = window.setTimeout(() => {
        if (field.value.trim() !== submitted.trim()) field.form?.requestSubmit();
      }, 600);
    });
  }
});
