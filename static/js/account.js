// Account page: shows the progress of an archive by fetching the page again and updating the row of the archive.
import { all, announce } from "./page.js";
import { fetchPage, wait } from "./page-refresh.js";

const INTERVAL = 1000, SLOW_INTERVAL = 4000;  // milliseconds between two requests; slow: after an error, or in a hidden tab
const ACTIVE = ["queued", "running"];

const row = () => all("[data-archive]")[0];

/** @param {boolean} isLost whether the server does not respond */
function showConnection(isLost) {
  for (const part of all("[data-connection-lost]", row())) part.hidden = !isLost;
}

/** @param {HTMLElement} fresh the row of the fetched page */
function update(fresh) {
  const shown = row();
  if (!shown) return;
  if (fresh.dataset.archive !== shown.dataset.archive) {
    shown.replaceWith(document.adoptNode(fresh));
    announce(all("small", fresh)[0]?.textContent?.trim() ?? "");
    return;
  }
  for (const part of all("[data-show]", shown)) {  // in place, so that the focus is kept
    const text = all(`[data-show=${part.dataset.show}]`, fresh)[0]?.textContent ?? "";
    if (part.textContent !== text) part.textContent = text;
  }
  const bars = /** @type {HTMLProgressElement[]} */ (all("progress", shown));
  const values = /** @type {HTMLProgressElement[]} */ (all("progress", fresh));
  bars.forEach((bar, i) => { bar.value = values[i]?.value ?? bar.value; });
}

/** @returns {Promise<number>} milliseconds until the next request */
async function refresh() {
  try {
    const page = await fetchPage();
    if (!page) {
      location.reload();  // signed out in another window: show the server's page
      return SLOW_INTERVAL;
    }
    const fresh = /** @type {HTMLElement | null} */ (page.querySelector("[data-archive]"));
    if (fresh) update(fresh);
    showConnection(false);
    return INTERVAL;
  } catch {
    showConnection(true);
    return SLOW_INTERVAL;
  }
}

for (let interval = INTERVAL; ACTIVE.includes(row()?.dataset.archive ?? "");) {
  await wait(document.hidden ? SLOW_INTERVAL : interval);
  interval = await refresh();
}
