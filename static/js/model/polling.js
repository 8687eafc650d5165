// Intervals at which the page of an active run polls the server, in milliseconds.

const FIRST = 100, FAST = 250, SLOW = 1000, HIDDEN = 2000;
const FIRST_UNTIL = 1500, FAST_UNTIL = 15_000;  // since the page was opened; most runs end within a second
const AFTER_ERROR = 4000;

/**
 * @param {object} page
 * @param {number} page.elapsed milliseconds since polling started
 * @param {boolean} page.isFarBack whether several runs are ahead in the queue
 * @param {boolean} page.isHidden whether the tab is hidden
 * @returns {number} milliseconds until the next request
 */
export function intervalAfterResponse({ elapsed, isFarBack, isHidden }) {
  const interval = elapsed < FIRST_UNTIL ? FIRST : elapsed < FAST_UNTIL && !isFarBack ? FAST : SLOW;
  return isHidden ? Math.max(HIDDEN, interval) : interval;
}

/**
 * @param {number} retryAfter seconds of the header Retry-After, or 0
 * @returns {number} milliseconds until the next request
 */
export function intervalAfterError(retryAfter) {
  return Math.max(AFTER_ERROR, retryAfter * 1000);
}
