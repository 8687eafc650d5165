// Asking again for what the server has no place for at the moment.
import { Problem } from "./answers.js";

const TRIES = 6;
const LONGEST = 5;  // seconds of one pause: a limit for an hour is not waited for

/**
 * Ask, and ask again after the time that the server names while it is busy.
 * @template T
 * @param {() => Promise<T>} ask
 * @param {() => boolean} isWanted whether somebody still waits for the answer
 * @param {(seconds: number) => Promise<unknown>} wait
 * @returns {Promise<T>}
 * @throws {Problem} the last one, when it is no matter of time, or the answer is not wanted any more
 */
export async function patiently(ask, isWanted, wait) {
  for (let left = TRIES; ; left -= 1) {
    try {
      return await ask();
    } catch (problem) {
      if (!(problem instanceof Problem) || left === 0 || !isWanted() || !isMatterOfTime(problem)) throw problem;
      await wait(problem.retryAfter);
      if (!isWanted()) throw problem;
    }
  }
}

/** @param {Problem} problem */
function isMatterOfTime(problem) {
  return ["busy", "rate_limited"].includes(problem.code) && problem.retryAfter > 0 && problem.retryAfter <= LONGEST;
}
