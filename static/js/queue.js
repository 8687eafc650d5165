// The queue of the administration goes on by itself: the page is fetched again, and the parts that have changed replaced.
import { fill } from "./model/text.js";
import { all } from "./page.js";
import { exchange, fetchPage, isInUse, pause, seen } from "./renew.js";

const PAUSE = 2000, LOST = 10_000;  // milliseconds

/** @param {string} text what the head of the table says beside its time */
function say(text) {
  for (const part of all("[data-now]")) part.textContent = text;
}

/**
 * Replace the parts that have changed; one that somebody is in stays.
 * @param {Document} fetched
 */
function renew(fetched) {
  for (const old of all("[data-live]")) {
    const fresh = fetched.querySelector(`[data-live=${old.dataset.live}]`);
    if (fresh && !isInUse(old)) exchange(old, fresh);
  }
}

/** @returns {Promise<number | null>} how long to wait until the next look; null when this page is no longer ours to see */
async function look() {
  const words = all("[data-now]")[0]?.dataset ?? {};
  try {
    const fetched = await fetchPage();
    if (!fetched) return null;
    renew(fetched);
  } catch {
    say(words.lost ?? "");
    return LOST;
  }
  say(fill(words.words ?? "", { seconds: PAUSE / 1000 }));
  return PAUSE;
}

for (let wait = /** @type {number | null} */ (PAUSE); wait !== null; wait = await look()) {
  await pause(wait);
  await seen();
}
