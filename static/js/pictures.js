// A picture that the server has no place to make just now is asked for again, a few times and with pauses.
import { all, onPage } from "./page.js";

const TRIES = 5, PAUSE = 2000;  // milliseconds, as the server's Retry-After says

/** @param {HTMLImageElement} picture */
function askAgain(picture) {
  const tries = Number(picture.dataset.tries ?? TRIES);
  if (tries <= 0) return;
  picture.dataset.tries = String(tries - 1);
  setTimeout(() => { if (picture.isConnected) picture.src = picture.getAttribute("src") ?? ""; }, PAUSE);
}

onPage((root) => {
  for (const picture of /** @type {HTMLImageElement[]} */ (all("img[src*='/runs/']", root))) {
    picture.addEventListener("error", () => askAgain(picture));
    if (picture.complete && picture.naturalWidth === 0 && picture.loading !== "lazy") askAgain(picture);  // it failed before this module came
  }
});
