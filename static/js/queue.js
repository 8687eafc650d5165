// Queue page of the administration: fetches the page again every two seconds, and replaces the parts that have changed.
import { fill } from "./model/text.js";
import { all } from "./page.js";
import { fetchPage, isInUse, replaceElement, untilVisible, wait } from "./page-refresh.js";

const INTERVAL = 2000, ERROR_INTERVAL = 10_000;  // milliseconds

/** @param {string} text note on the last update */
function showNote(text) {
  for (const part of all("[data-update-note]")) part.textContent = text;
}

/**
 * Replace the elements with data-refresh, except those in use.
 * @param {Document} fetched
 */
function updatePage(fetched) {
  for (const old of all("[data-refresh]")) {
    const fresh = fetched.querySelector(`[data-refresh=${old.dataset.refresh}]`);
    if (fresh && !isInUse(old)) replaceElement(old, fresh);
  }
}

/** @returns {Promise<number | null>} milliseconds until the next request; null if the person may no longer see the page */
async function refresh() {
  const texts = all("[data-update-note]")[0]?.dataset ?? {};
  try {
    const fetched = await fetchPage();
    if (!fetched) return null;
    updatePage(fetched);
  } catch {
    showNote(texts.notUpdated ?? "");
    return ERROR_INTERVAL;
  }
  showNote(fill(texts.updated ?? "", { seconds: INTERVAL / 1000 }));
  return INTERVAL;
}

for (let interval = /** @type {number | null} */ (INTERVAL); interval !== null; interval = await refresh()) {
  await wait(interval);
  await untilVisible();
}
