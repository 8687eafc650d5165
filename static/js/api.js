// Requests to /api/v1, with the session and its CSRF token; errors are the API's problem details.

// This file is below static/ of the site, wherever the site begins on its host.
const ROOT = new URL("../../api/v1", import.meta.url).pathname;

/** An answer of the API that is not a success, or no answer at all (status 0). */
export class Problem extends Error {
  /**
   * @param {number} status
   * @param {{code?: string, detail?: string, title?: string}} body
   * @param {number} [retryAfter] seconds after which trying again may help; 0 when the server did not say
   */
  constructor(status, body, retryAfter = 0) {
    super(body.detail ?? body.title ?? "");
    this.status = status;
    this.code = body.code ?? "";
    this.retryAfter = retryAfter;
  }
}

const TRIES = 6, LONGEST = 5;  // waits, and seconds of one: a limit for an hour is not waited for

/**
 * Ask for something that has few places, and again after the time that the server names while there is none.
 * @template T
 * @param {() => Promise<T>} ask
 * @param {() => boolean} [isWanted] whether somebody still waits for it
 * @returns {Promise<T>}
 * @throws {Problem}
 */
export async function patiently(ask, isWanted = () => true) {
  for (let tries = TRIES; ; tries -= 1) {
    try {
      return await ask();
    } catch (problem) {
      const mayCome = problem instanceof Problem && ["busy", "rate_limited"].includes(problem.code) && problem.retryAfter > 0;
      if (!mayCome || problem.retryAfter > LONGEST || tries <= 0 || !isWanted()) throw problem;
      await new Promise((resolve) => { setTimeout(resolve, 1000 * problem.retryAfter); });
      if (!isWanted()) throw problem;
    }
  }
}

/** @returns {string} */
function token() {
  const field = /** @type {HTMLInputElement | null} */ (document.querySelector("[name=csrfmiddlewaretoken]"));
  if (field) return field.value;
  return document.cookie.match(/(?:^|; )(?:__(?:Host|Secure)-)?csrftoken=([^;]*)/)?.[1] ?? "";
}

/**
 * @param {string} method
 * @param {string} path below /api/v1, with its leading slash
 * @param {object} [body] sent as JSON
 * @returns {Promise<any>} the answer's JSON, or null when it has none
 * @throws {Problem}
 */
export async function call(method, path, body) {
  const headers = { Accept: "application/json", "X-CSRFToken": token() };
  if (body) Object.assign(headers, { "Content-Type": "application/json" });
  let answer;
  try {
    answer = await fetch(ROOT + path, { method, headers, body: body && JSON.stringify(body), credentials: "same-origin" });
  } catch {
    throw new Problem(0, {});
  }
  return understood(answer.status, await answer.text(), answer.headers.get("Retry-After"));
}

/**
 * Ask again for something that changes; an unchanged answer costs the server almost nothing.
 * @param {string} path
 * @param {string} etag of the last answer, or empty
 * @param {AbortSignal} signal
 * @returns {Promise<{etag: string, body: any} | null>} null when nothing has changed
 * @throws {Problem}
 */
export async function poll(path, etag, signal) {
  const headers = { Accept: "application/json", ...(etag && { "If-None-Match": etag }) };
  let answer, text;
  try {
    answer = await fetch(ROOT + path, { headers, cache: "no-store", credentials: "same-origin", signal });
    text = await answer.text();
  } catch {
    throw new Problem(0, {});
  }
  if (answer.status === 304) return null;
  return { etag: answer.headers.get("ETag") ?? "", body: understood(answer.status, text, answer.headers.get("Retry-After")) };
}

/**
 * Send a file and hear how much of it has left: what `fetch` cannot tell.
 * @param {File} file
 * @param {(fraction: number) => void} onProgress
 * @param {AbortSignal} signal
 * @returns {Promise<{id: string}>} the stored image
 * @throws {Problem}
 */
export function upload(file, onProgress, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const form = new FormData();
    form.append("image", file, file.name);
    request.open("POST", `${ROOT}/images`);
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("X-CSRFToken", token());
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) onProgress(event.loaded / event.total);
    });
    request.addEventListener("load", () => {
      try {
        resolve(understood(request.status, request.responseText, request.getResponseHeader("Retry-After")));
      } catch (problem) {
        reject(problem);
      }
    });
    for (const end of ["error", "abort", "timeout"]) {
      request.addEventListener(end, () => reject(new Problem(0, { code: end === "abort" ? "aborted" : "" })));
    }
    signal.addEventListener("abort", () => request.abort());
    request.send(form);
  });
}

/**
 * @param {number} status
 * @param {string} text
 * @param {string | null} retryAfter the header
 */
function understood(status, text, retryAfter) {
  let body = null;
  try {
    body = text ? JSON.parse(text) : null;
  } catch {
    body = null;  // a page of a proxy in between, for example
  }
  if (status >= 200 && status < 300) return body;
  throw new Problem(status, body ?? {}, Number(retryAfter) || 0);
}
