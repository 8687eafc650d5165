// The queue of the administration goes on by itself: the page is fetched again, and the parts that have changed replaced.
import { fill } from "./model/text.js";
import { all } from "./page.js";

const PAUSE = 2000, LOST = 10_000;  // milliseconds

/** @param {string} text what the head of the table says beside its time */
function say(text) {
  for (const part of all("[data-now]")) part.textContent = text;
}

/**
 * Replace the parts that have changed; one that somebody is in with the keyboard stays.
 * @param {Document} fetched
 */
function renew(fetched) {
  for (const old of all("[data-live]")) {
    const fresh = /** @type {HTMLElement | null} */ (fetched.querySelector(`[data-live=${old.dataset.live}]`));
    if (!fresh || old.contains(document.activeElement)) continue;
    document.adoptNode(fresh);
    for (const picture of fresh.querySelectorAll("img")) {
      const same = [...old.querySelectorAll("img")].find((other) => other.getAttribute("src") === picture.getAttribute("src"));
      if (same) picture.replaceWith(same);  // not fetched again
    }
    old.replaceWith(fresh);
  }
}

/** @returns {Promise<number | null>} how long to wait until the next look; null when this page is no longer ours to see */
async function look() {
  const words = all("[data-now]")[0]?.dataset ?? {};
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store", credentials: "same-origin" });
    if (answer.redirected || answer.status === 403) return null;
    if (!answer.ok) throw new Error(String(answer.status));
    renew(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } catch {
    say(words.lost ?? "");
    return LOST;
  }
  say(fill(words.words ?? "", { seconds: PAUSE / 1000 }));
  return PAUSE;
}

/** @param {number} milliseconds */
const pause = (milliseconds) => new Promise((resolve) => { setTimeout(resolve, milliseconds); });

/** Nobody looks at a hidden page: wait until somebody does. */
function shown() {
  return new Promise((resolve) => {
    if (document.hidden) document.addEventListener("visibilitychange", resolve, { once: true });
    else resolve(undefined);
  });
}

for (let wait = /** @type {number | null} */ (PAUSE); wait !== null; wait = await look()) {
  await pause(wait);
  await shown();
}
