// Lists of runs: updates the page while runs are active, and announces runs that have ended, also in the title of the tab.
import { activeRuns, endedRuns, tabTitle } from "./model/cards.js";
import { fill } from "./model/text.js";
import { all, announce } from "./page.js";
import { fetchPage, isInUse, replaceElement, wait } from "./page-refresh.js";

/** @import { Card } from "./model/cards.js" */

// Milliseconds between two requests: in a visible tab, in a hidden tab, and after an error.
const INTERVAL = 2000, HIDDEN_INTERVAL = 5000, ERROR_INTERVAL = 10_000;

const pageTitle = document.title;
/**
 * Sentences about runs that ended while the tab was hidden.
 * @type {string[]}
 */
let unread = [];
let shownTitle = pageTitle;
/**
 * HTML of each element when it was fetched; later changes by scripts are ignored when it is compared with a newer one.
 * @type {WeakMap<Element, string>}
 */
const fetchedHtml = new WeakMap();

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

/** @param {Element} element */
function rememberHtml(element) {
  fetchedHtml.set(element, element.outerHTML);
  for (const card of element.querySelectorAll("[data-card]")) fetchedHtml.set(card, card.outerHTML);
}

/**
 * @param {Element} old
 * @param {Element} fresh
 */
function update(old, fresh) {
  if (fetchedHtml.get(old) === fresh.outerHTML || isInUse(old)) return;
  rememberHtml(fresh);
  replaceElement(old, fresh);
  document.dispatchEvent(new CustomEvent("page:replaced", { detail: fresh }));
}

/**
 * Replace the elements with data-refresh that have changed; if a list has the same runs as before, replace single cards.
 * @param {Document} fetched
 */
function updatePage(fetched) {
  for (const old of all("[data-refresh]")) {
    const fresh = fetched.querySelector(`[data-refresh=${old.dataset.refresh}]`);
    if (!fresh) continue;
    const shown = [...old.querySelectorAll("[data-card]")], cards = [...fresh.querySelectorAll("[data-card]")];
    const ids = (/** @type {ParentNode} */ root) => cardsOf(root).map(({ id }) => id).join();
    if (shown.length && ids(old) === ids(fresh)) shown.forEach((card, i) => update(card, /** @type {Element} */ (cards[i])));
    else update(old, fresh);
  }
}

/**
 * Announce runs that have ended, and update the title of the tab.
 * @param {Card[]} ended
 */
function report(ended) {
  const texts = all("[data-refresh=cards]")[0]?.dataset ?? {};
  const byState = /** @type {Record<string, string | undefined>} */ ({ succeeded: texts.finished, failed: texts.failed, cancelled: texts.cancelled });
  const sentences = ended.map(({ name, state }) => fill(byState[state] ?? "", { name }));
  if (sentences.length) announce(sentences.join(" "));
  unread = document.hidden ? [...unread, ...sentences] : [];
  const count = activeRuns(cardsOf(document)).length;
  const title = tabTitle(pageTitle, count ? fill(texts.active ?? "", { n: count }) : "", unread);
  if (title !== shownTitle) document.title = title;  // an unchanged title must not replace that of an upload
  shownTitle = title;
}

/** @returns {Promise<number | null>} milliseconds until the next request; null if the person may no longer see the page */
async function refresh() {
  const before = cardsOf(document);
  try {
    const fetched = await fetchPage();
    if (!fetched) return null;
    const ended = endedRuns(before, cardsOf(fetched));
    updatePage(fetched);
    report(ended);
  } catch {
    return ERROR_INTERVAL;
  }
  return document.hidden ? HIDDEN_INTERVAL : INTERVAL;
}

/** Return when the tab becomes visible again: a run may have been started in another window. */
function whenVisibleAgain() {
  return new Promise((resolve) => {
    document.addEventListener("visibilitychange", () => { if (!document.hidden) resolve(undefined); });
  });
}

document.addEventListener("visibilitychange", () => { if (!document.hidden) report([]); });
all("[data-refresh]").forEach(rememberHtml);
report([]);
let visibleAgain = whenVisibleAgain();
for (let interval = /** @type {number | null} */ (INTERVAL); interval !== null; interval = await refresh()) {
  await (activeRuns(cardsOf(document)).length ? wait(interval) : visibleAgain);
  visibleAgain = whenVisibleAgain();
}
