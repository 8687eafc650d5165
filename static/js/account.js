// The account page follows the archive that is being made: the page is fetched again, and its row shown as it is now.
import { all, announce } from "./page.js";
import { fetchPage, pause } from "./renew.js";

const PAUSE = 1000, LOST = 4000;  // milliseconds between two requests
const ACTIVE = ["queued", "running"];

const row = () => all("[data-archive]")[0];

/** @param {boolean} lost whether the server does not answer */
function trouble(lost) {
  for (const part of all("[data-lost]", row())) part.hidden = !lost;
}

/** @param {HTMLElement} fresh the row as the server shows it now */
function show(fresh) {
  const shown = row();
  if (!shown) return;
  if (fresh.dataset.archive !== shown.dataset.archive) {
    shown.replaceWith(document.adoptNode(fresh));
    announce(all("small", fresh)[0]?.textContent?.trim() ?? "");
    return;
  }
  for (const part of all("[data-show]", shown)) {  // in place: whoever has the focus keeps it
    const text = all(`[data-show=${part.dataset.show}]`, fresh)[0]?.textContent ?? "";
    if (part.textContent !== text) part.textContent = text;
  }
  const bars = /** @type {HTMLProgressElement[]} */ (all("progress", shown));
  const values = /** @type {HTMLProgressElement[]} */ (all("progress", fresh));
  bars.forEach((bar, i) => { bar.value = values[i]?.value ?? bar.value; });
}

/** @returns {Promise<number>} how long to wait until the next request */
async function look() {
  try {
    const page = await fetchPage();
    if (!page) {
      location.reload();  // signed out elsewhere: the server's own page says it
      return LOST;
    }
    const fresh = /** @type {HTMLElement | null} */ (page.querySelector("[data-archive]"));
    if (fresh) show(fresh);
    trouble(false);
    return PAUSE;
  } catch {
    trouble(true);
    return LOST;
  }
}

for (let wait = PAUSE; ACTIVE.includes(row()?.dataset.archive ?? "");) {
  await pause(document.hidden ? LOST : wait);
  wait = await look();
}
