// How long a page that watches a run waits before it asks again.

const AT_ONCE = 100, QUICK = 250, CALM = 1000, AWAY = 2000;  // milliseconds between two questions
const AT_ONCE_FOR = 1500, QUICK_FOR = 15_000;  // most runs are done before one has read what is on the page
const LOST = 4000;  // after no answer, or one that is no answer

/**
 * @param {object} seen
 * @param {number} seen.passed milliseconds since the page began to watch
 * @param {boolean} seen.isFar several others have their turn before
 * @param {boolean} seen.isHidden nobody looks at the page
 * @returns {number} milliseconds
 */
export function pauseAfterAnswer({ passed, isFar, isHidden }) {
  const pause = passed < AT_ONCE_FOR ? AT_ONCE : passed < QUICK_FOR && !isFar ? QUICK : CALM;
  return isHidden ? Math.max(AWAY, pause) : pause;
}

/**
 * @param {number} retryAfter seconds that the server has asked to wait, 0 when it has not
 * @returns {number} milliseconds
 */
export function pauseAfterTrouble(retryAfter) {
  return Math.max(LOST, retryAfter * 1000);
}
