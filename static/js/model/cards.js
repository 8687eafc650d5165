// Runs in a list: which are active, and which have ended since an earlier list.

/** @typedef {{id: string, name: string, state: string}} Card a run with the name of its picture */

const ACTIVE = ["queued", "running"];

/** @param {Card[]} cards */
export function activeRuns(cards) {
  return cards.filter(({ state }) => ACTIVE.includes(state));
}

/**
 * Return the runs of `now` that were active before and have ended. Deleted runs are not included.
 * @param {Card[]} before
 * @param {Card[]} now
 */
export function endedRuns(before, now) {
  const wereActive = new Set(activeRuns(before).map(({ id }) => id));
  return now.filter(({ id, state }) => wereActive.has(id) && !ACTIVE.includes(state));
}

/**
 * @param {string} title of the page
 * @param {string} active text about active runs, or empty
 * @param {string[]} unread sentences about runs that ended while the tab was hidden, the newest last
 * @returns {string} the title of the tab
 */
export function tabTitle(title, active, unread) {
  return [unread.at(-1), active, title].filter(Boolean).join(" · ");
}
