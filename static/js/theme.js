// Applies a theme without reloading the page, and sends it to the server, which stores it in a cookie.
import { LatestValueSender } from "./model/latest.js";
import { fill } from "./model/text.js";
import { THEMES, themeAfter, themeOf } from "./model/themes.js";
import { all, announce, onPage } from "./page.js";

/** @import { Theme } from "./model/themes.js" */

/** @param {Theme} theme */
function apply(theme) {
  const root = document.documentElement;
  if (theme === "system") delete root.dataset.theme;
  else root.dataset.theme = theme;
  const meta = /** @type {HTMLMetaElement | null} */ (document.querySelector("meta[name=color-scheme]"));
  if (meta) meta.content = theme === "system" ? "light dark" : theme;
  for (const form of all("form[data-theme-form]")) {
    for (const choice of /** @type {HTMLInputElement[]} */ (all("input[name=theme]", form))) choice.checked = choice.value === theme;
    const button = /** @type {HTMLButtonElement | null} */ (form.querySelector("button[name=theme]"));
    if (!button) continue;
    const names = (form.dataset.names ?? "").split("|");
    button.value = themeAfter(theme);
    button.title = fill(form.dataset.label ?? "", { name: names[THEMES.indexOf(theme)] ?? theme });
    button.setAttribute("aria-label", button.title);
  }
}

// Sends one request at a time, so that the cookie holds the last choice. If a request fails, this page keeps the theme.
const sender = new LatestValueSender((/** @type {{form: HTMLFormElement, theme: Theme}} */ { form, theme }) => {
  const body = new FormData(form);
  body.set("theme", theme);
  return fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" }, credentials: "same-origin" });
});

/**
 * @param {HTMLFormElement} form
 * @param {Theme} theme
 */
function choose(form, theme) {
  apply(theme);
  void sender.send({ form, theme });
}

onPage((root) => {
  for (const form of /** @type {HTMLFormElement[]} */ (all("form[data-theme-form]", root))) {
    const button = /** @type {HTMLButtonElement | null} */ (form.querySelector("button[name=theme]"));
    button?.addEventListener("click", (event) => {
      event.preventDefault();
      choose(form, themeOf(button.value));
      announce(button.title);
    });
    form.addEventListener("change", (event) => {
      const chosen = /** @type {HTMLInputElement} */ (event.target);
      if (chosen.name === "theme") choose(form, themeOf(chosen.value));
    });
  }
});
