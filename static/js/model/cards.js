// Runs as cards in a list: which are still going, and which have ended since the list was last seen.

/** @typedef {{id: string, name: string, state: string}} Card a run with the name of its picture */

const GOING = ["queued", "running"];

/** @param {Card[]} cards */
export function goingOn(cards) {
  return cards.filter(({ state }) => GOING.includes(state));
}

/**
 * Return the runs that were going on before and are not now, as they are now; one that was deleted is none of them.
 * @param {Card[]} before
 * @param {Card[]} now
 */
export function ended(before, now) {
  const were = new Set(goingOn(before).map(({ id }) => id));
  return now.filter(({ id, state }) => were.has(id) && !GOING.includes(state));
}

/**
 * @param {string} title of the page
 * @param {string} going what is said of the runs that go on, empty when there are none
 * @param {string[]} news what has ended since somebody looked at the page, the newest last
 * @returns {string} the title of the tab
 */
export function tabTitle(title, going, news) {
  return [news.at(-1), going, title].filter(Boolean).join(" · ");
}
