// What the API's answers mean: a value, or a problem.

/**
 * The body of a problem (RFC 9457), as far as it is used here.
 * @typedef {{code?: string, detail?: string, title?: string}} ProblemDetails
 */

const GONE = [401, 403, 404, 410];
const LONGEST_WAIT = 60;  // seconds; who watches a page for longer than this wants to see it move

/** An answer of the API that is not a success, or no answer at all (status 0). */
export class Problem extends Error {
  /**
   * @param {number} status
   * @param {ProblemDetails} body
   * @param {number} retryAfter seconds that the server asks to wait, 0 when it asks for none
   */
  constructor(status, body, retryAfter = 0) {
    super(body.detail ?? body.title ?? "");
    this.status = status;
    this.code = body.code ?? "";
    this.retryAfter = retryAfter;
  }

  /** @returns {boolean} whether the thing is not there for this person (any more): deleted, or signed out */
  get isGone() {
    return GONE.includes(this.status);
  }
}

/**
 * Return the JSON of an answer.
 * @param {number} status
 * @param {string} text
 * @param {string | null} retryAfter the header, if it came
 * @returns {unknown} null when the answer has no body
 * @throws {Problem} when it is no success, or a success that is no JSON, such as the page of a proxy in between
 */
export function understood(status, text, retryAfter = null) {
  const isSuccess = status >= 200 && status < 300;
  /** @type {unknown} */
  let body;
  try {
    body = text ? JSON.parse(text) : null;
  } catch {
    throw new Problem(isSuccess ? 0 : status, {}, secondsToWait(retryAfter));
  }
  if (isSuccess) return body;
  throw new Problem(status, details(body), secondsToWait(retryAfter));
}

/**
 * @param {unknown} body
 * @returns {ProblemDetails} without the fields that are no text
 */
function details(body) {
  if (typeof body !== "object" || body === null) return {};
  return Object.fromEntries(Object.entries(body).filter(([, value]) => typeof value === "string"));
}

/**
 * @param {string | null} header Retry-After: seconds or a date
 * @param {number} now milliseconds since 1970
 * @returns {number} seconds from 0 to 60
 */
export function secondsToWait(header, now = Date.now()) {
  if (!header) return 0;
  const seconds = /^\d+$/.test(header.trim()) ? Number(header) : (Date.parse(header) - now) / 1000;
  return Number.isNaN(seconds) ? 0 : Math.min(LONGEST_WAIT, Math.max(0, seconds));
}

/**
 * Return the CSRF token among the cookies.
 * @param {string} cookies as in `document.cookie`
 * @param {boolean} isSecure whether the site is on https, where the cookie's name has a prefix
 * @returns {string} empty when there is none
 */
export function csrfToken(cookies, isSecure) {
  const values = new Map(cookies.split(/; */).map((cookie) => {
    const [name = "", ...value] = cookie.split("=");
    return [name, value.join("=")];
  }));
  const names = isSecure ? ["__Host-csrftoken", "__Secure-csrftoken"] : ["csrftoken"];
  return names.map((name) => values.get(name)).find(Boolean) ?? "";
}
