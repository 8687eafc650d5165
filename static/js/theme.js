// The theme changes at once, without loading the page again; the server keeps it in a cookie and writes it into every page.
import { all, announce, fill, onPage } from "./page.js";

const THEMES = ["system", "light", "dark"];

/** @param {string} theme one of THEMES */
function show(theme) {
  const root = document.documentElement;
  if (theme === "system") delete root.dataset.theme;
  else root.dataset.theme = theme;
  const meta = /** @type {HTMLMetaElement | null} */ (document.querySelector("meta[name=color-scheme]"));
  if (meta) meta.content = theme === "system" ? "light dark" : theme;
  for (const form of all("form[data-theme-form]")) {
    for (const choice of /** @type {HTMLInputElement[]} */ (all("input[name=theme]", form))) choice.checked = choice.value === theme;
    const button = /** @type {HTMLButtonElement | null} */ (form.querySelector("button[name=theme]"));
    if (!button) continue;
    const names = (form.dataset.names ?? "").split("|"), at = THEMES.indexOf(theme);
    button.value = THEMES[(at + 1) % THEMES.length];
    button.title = fill(form.dataset.label ?? "", { name: names[at] });
    button.setAttribute("aria-label", button.title);
  }
}

/**
 * @param {HTMLFormElement} form
 * @param {string} theme
 */
function choose(form, theme) {
  show(theme);
  const body = new FormData(form);
  body.set("theme", theme);
  // Without an answer the theme still holds for this page; there is nothing to repair.
  fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" }, credentials: "same-origin" }).catch(() => undefined);
}

onPage((root) => {
  for (const form of /** @type {HTMLFormElement[]} */ (all("form[data-theme-form]", root))) {
    const button = /** @type {HTMLButtonElement | null} */ (form.querySelector("button[name=theme]"));
    button?.addEventListener("click", (event) => {
      event.preventDefault();
      choose(form, button.value);
      announce(button.title);
    });
    form.addEventListener("change", (event) => {
      const chosen = /** @type {HTMLInputElement} */ (event.target);
      if (chosen.name === "theme") choose(form, chosen.value);
    });
  }
});
