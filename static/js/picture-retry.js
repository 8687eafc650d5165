// Loads a picture again, a few times, if the server was too busy to create it.
import { all, onPage } from "./page.js";

const ATTEMPTS = 5, INTERVAL = 2000;  // milliseconds, as in the server's Retry-After

/** @param {HTMLImageElement} picture */
function loadAgain(picture) {
  const attempts = Number(picture.dataset.attempts ?? ATTEMPTS);
  if (attempts <= 0) return;
  picture.dataset.attempts = String(attempts - 1);
  setTimeout(() => { if (picture.isConnected) picture.src = picture.getAttribute("src") ?? ""; }, INTERVAL);
}

onPage((root) => {
  for (const picture of /** @type {HTMLImageElement[]} */ (all("img[src*='/runs/']", root))) {
    picture.addEventListener("error", () => loadAgain(picture));
    if (picture.complete && picture.naturalWidth === 0 && picture.loading !== "lazy") loadAgain(picture);  // it failed before this module was loaded
  }
});
