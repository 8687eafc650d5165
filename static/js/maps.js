// The maps of a result, which the server makes when they are first asked for: one after the other when their part is opened, since a
// person has one made at a time. The page leaves them out without script.
import { all, onPage } from "./page.js";

const TRIES = 5, PAUSE = 2000;  // milliseconds, as the server's Retry-After says

/**
 * @param {HTMLImageElement} picture
 * @returns {Promise<boolean>} whether it came
 */
function load(picture) {
  return new Promise((settle) => {
    picture.addEventListener("load", () => settle(true), { once: true });
    picture.addEventListener("error", () => settle(false), { once: true });
    picture.src = picture.dataset.src ?? "";
  });
}

/** @param {HTMLDetailsElement} part */
async function fillIn(part) {
  if (!part.open || "filled" in part.dataset) return;
  part.dataset.filled = "";
  for (const picture of /** @type {HTMLImageElement[]} */ (all("img[data-src]", part))) {
    for (let tries = TRIES; !await load(picture) && tries > 0 && picture.isConnected; tries -= 1) {
      await new Promise((later) => { setTimeout(later, PAUSE); });
    }
  }
}

onPage((root) => {
  for (const template of /** @type {HTMLTemplateElement[]} */ (all("template[data-with-script]", root))) template.replaceWith(template.content);
  for (const part of /** @type {HTMLDetailsElement[]} */ (all("details.maps", root))) {
    part.addEventListener("toggle", () => void fillIn(part));
    void fillIn(part);
  }
});
