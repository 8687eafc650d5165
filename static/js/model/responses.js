// Responses of the API: parses them, and throws a Problem for errors.

/**
 * Body of an error response (RFC 9457), with the fields that are used here.
 * @typedef {{code?: string, detail?: string, title?: string}} ProblemDetails
 */

const GONE = [401, 403, 404, 410];
const MAX_WAIT = 60;  // seconds

/** Error response of the API; status 0 if there was no response. */
export class Problem extends Error {
  /**
   * @param {number} status
   * @param {ProblemDetails} body
   * @param {number} retryAfter seconds of the header Retry-After, or 0
   */
  constructor(status, body, retryAfter = 0) {
    super(body.detail ?? body.title ?? "");
    this.status = status;
    this.code = body.code ?? "";
    this.retryAfter = retryAfter;
  }

  /** @returns {boolean} whether the person can no longer see the object: it was deleted, or the session has ended */
  get isGone() {
    return GONE.includes(this.status);
  }
}

/**
 * Return the JSON of a response.
 * @param {number} status
 * @param {string} text
 * @param {string | null} retryAfter the header Retry-After
 * @returns {unknown} null if the response has no body
 * @throws {Problem} if the response is an error, or not JSON, such as a page of a proxy
 */
export function parseResponse(status, text, retryAfter = null) {
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
 * @returns {ProblemDetails} the fields that are text
 */
function details(body) {
  if (typeof body !== "object" || body === null) return {};
  return Object.fromEntries(Object.entries(body).filter(([, value]) => typeof value === "string"));
}

/**
 * @param {string | null} header Retry-After, in seconds or as a date
 * @param {number} now milliseconds since 1970
 * @returns {number} seconds from 0 to 60
 */
export function secondsToWait(header, now = Date.now()) {
  if (!header) return 0;
  const seconds = /^\d+$/.test(header.trim()) ? Number(header) : (Date.parse(header) - now) / 1000;
  return Number.isNaN(seconds) ? 0 : Math.min(MAX_WAIT, Math.max(0, seconds));
}

/**
 * Return the CSRF token among the cookies.
 * @param {string} cookies as in `document.cookie`
 * @param {boolean} isSecure whether the site uses https, where the name of the cookie has a prefix
 * @returns {string} empty if there is none
 */
export function csrfToken(cookies, isSecure) {
  const values = new Map(cookies.split(/; */).map((cookie) => {
    const [name = "", ...value] = cookie.split("=");
    return [name, value.join("=")];
  }));
  const names = isSecure ? ["__Host-csrftoken", "__Secure-csrftoken"] : ["csrftoken"];
  return names.map((name) => values.get(name)).find(Boolean) ?? "";
}
