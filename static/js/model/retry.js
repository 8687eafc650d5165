// Repeats requests while the server is busy.
import { Problem } from "./responses.js";

const RETRIES = 6;
const MAX_PAUSE = 5;  // seconds; longer limits, such as those per hour, are not waited for

/**
 * Send a request, and repeat it after the time in Retry-After while the server is busy.
 * @template T
 * @param {() => Promise<T>} request
 * @param {() => boolean} isWanted whether the response is still needed
 * @param {(seconds: number) => Promise<unknown>} wait
 * @returns {Promise<T>}
 * @throws {Problem} the last one, if retrying does not help or the response is no longer needed
 */
export async function retryWhileBusy(request, isWanted, wait) {
  for (let left = RETRIES; ; left -= 1) {
    try {
      return await request();
    } catch (problem) {
      if (!(problem instanceof Problem) || left === 0 || !isWanted() || !isTemporary(problem)) throw problem;
      await wait(problem.retryAfter);
      if (!isWanted()) throw problem;
    }
  }
}

/** @param {Problem} problem */
function isTemporary(problem) {
  return ["busy", "rate_limited"].includes(problem.code) && problem.retryAfter > 0 && problem.retryAfter <= MAX_PAUSE;
}
