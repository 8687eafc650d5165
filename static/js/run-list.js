// Lists of runs follow what becomes of them while some wait or work; one that ends says so, in the title of the tab, too.
import { ended, goingOn, tabTitle } from "./model/cards.js";
import { fill } from "./model/text.js";
import { all, announce } from "./page.js";
import { exchange, fetchPage, isInUse, pause } from "./renew.js";

/** @import { Card } from "./model/cards.js" */

const PAUSE = 2000, AWAY = 5000, LOST = 10_000;  // milliseconds

const title = document.title;
/** @type {string[]} */
let news = [];
let said = title;
/**
 * What each part was when it came; what scripts have changed in it since is no news.
 * @type {WeakMap<Element, string>}
 */
const came = new WeakMap();

/**
 * @param {ParentNode} root
 * @returns {Card[]}
 */
function cardsOf(root) {
  return [...root.querySelectorAll("[data-card]")].map((item) => {
    const { card = "", name = "", state = "" } = /** @type {HTMLElement} */ (item).dataset;
    return { id: card, name, state };
  });
}

/** @param {Element} part */
function remember(part) {
  came.set(part, part.outerHTML);
  for (const card of part.querySelectorAll("[data-card]")) came.set(card, card.outerHTML);
}

/**
 * @param {Element} old
 * @param {Element} fresh
 */
function replace(old, fresh) {
  if (came.get(old) === fresh.outerHTML || isInUse(old)) return;
  remember(fresh);
  exchange(old, fresh);
  document.dispatchEvent(new CustomEvent("page:replaced", { detail: fresh }));
}

/** @param {Document} fetched */
function renew(fetched) {
  for (const old of all("[data-renew]")) {
    const fresh = fetched.querySelector(`[data-renew=${old.dataset.renew}]`);
    if (!fresh) continue;
    const shown = [...old.querySelectorAll("[data-card]")], cards = [...fresh.querySelectorAll("[data-card]")];
    const ids = (/** @type {ParentNode} */ root) => cardsOf(root).map(({ id }) => id).join();
    if (shown.length && ids(old) === ids(fresh)) shown.forEach((card, i) => replace(card, /** @type {Element} */ (cards[i])));
    else replace(old, fresh);
  }
}

/** @param {Card[]} done */
function tell(done) {
  const words = all("[data-renew=cards]")[0]?.dataset ?? {};
  const states = /** @type {Record<string, string | undefined>} */ ({ succeeded: words.finished, failed: words.failed, cancelled: words.cancelled });
  const sentences = done.map(({ name, state }) => fill(states[state] ?? "", { name }));
  if (sentences.length) announce(sentences.join(" "));
  news = document.hidden ? [...news, ...sentences] : [];
  const going = goingOn(cardsOf(document)).length;
  const now = tabTitle(title, going ? fill(words.going ?? "", { n: going }) : "", news);
  if (now !== said) document.title = now;  // or it would take the place of what an upload says there
  said = now;
}

/** @returns {Promise<number | null>} how long to wait until the next look; null when this page is no longer ours to see */
async function look() {
  const before = cardsOf(document);
  try {
    const fetched = await fetchPage();
    if (!fetched) return null;
    const done = ended(before, cardsOf(fetched));
    renew(fetched);
    tell(done);
  } catch {
    return LOST;
  }
  return document.hidden ? AWAY : PAUSE;
}

/** Wait until somebody comes back to this page: where nothing goes on, something may have begun elsewhere. */
function comingBack() {
  return new Promise((resolve) => {
    document.addEventListener("visibilitychange", () => { if (!document.hidden) resolve(undefined); });
  });
}

document.addEventListener("visibilitychange", () => { if (!document.hidden) tell([]); });
all("[data-renew]").forEach(remember);
tell([]);
let back = comingBack();
for (let wait = /** @type {number | null} */ (PAUSE); wait !== null; wait = await look()) {
  await (goingOn(cardsOf(document)).length ? pause(wait) : back);
  back = comingBack();
}
