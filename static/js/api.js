// Requests to /api/v1 with the session and its CSRF token. Errors are thrown as Problem.
import { Problem, csrfToken, parseResponse } from "./model/responses.js";
import * as retry from "./model/retry.js";
import { offerSignIn } from "./page.js";

export { Problem };

// Types of the API's responses, with the fields that are used here; tests/api compares them with the API's schema.

/**
 * @typedef {object} ClusterOut
 * @property {number} index
 * @property {boolean} foreground
 */

/**
 * @typedef {object} CoverageOut
 * @property {number} share
 * @property {number} low
 * @property {number} high
 */

/**
 * @typedef {object} RunOut
 * @property {string} id
 * @property {string} state
 * @property {string} stage
 * @property {number} percent
 * @property {string} message
 * @property {number | null} position
 * @property {number | null} seconds_left
 * @property {number} revision
 * @property {ClusterOut[]} clusters
 * @property {CoverageOut | null} foreground_coverage
 */

/**
 * @typedef {object} ImageOut
 * @property {string} id
 */

/**
 * @typedef {object} RegionsOut
 * @property {number[]} regions
 */

/**
 * @typedef {object} PixelReportOut
 * @property {number} x
 * @property {number} y
 * @property {number[]} colour
 * @property {number[]} clusters
 */

// Relative to this file, because the site may be below a path of its host.
const ROOT = new URL("../../api/v1", import.meta.url).pathname;

/**
 * Send a request, and repeat it for some seconds while the server is busy.
 * @template T
 * @param {() => Promise<T>} operation
 * @param {() => boolean} isWanted whether the response is still needed
 * @returns {Promise<T>}
 * @throws {Problem}
 */
export function retryWhileBusy(operation, isWanted) {
  return retry.retryWhileBusy(operation, isWanted, (seconds) => new Promise((resolve) => { setTimeout(resolve, 1000 * seconds); }));
}

/**
 * @param {string} image id
 * @param {number | null} clusters null for the default number
 */
export async function startRun(image, clusters) {
  return /** @type {RunOut} */ (await call("POST", "/runs", { image, recipe: clusters === null ? {} : { n_clusters: clusters } }));
}

/** @param {string} run id */
export async function readRun(run) {
  return /** @type {RunOut} */ (await call("GET", `/runs/${run}`));
}

/** @param {string} run id */
export async function cancelRun(run) {
  await call("POST", `/runs/${run}/cancel`);
}

/**
 * @param {string} run id
 * @param {number} revision of the legend that was changed
 * @param {ClusterOut[]} clusters the changed clusters
 */
export async function saveForeground(run, revision, clusters) {
  return /** @type {RunOut} */ (await call("PATCH", `/runs/${run}/legend`, { revision, clusters }));
}

/** @param {string} run id */
export async function countRegions(run) {
  return /** @type {RegionsOut} */ (await call("GET", `/runs/${run}/regions`));
}

/**
 * @param {string} run id
 * @param {{x: number, y: number}} pixel
 */
export async function readPixel(run, { x, y }) {
  return /** @type {PixelReportOut} */ (await call("GET", `/runs/${run}/at?x=${x}&y=${y}`));
}

/**
 * Return the state of a run if it has changed since the response with `etag`.
 * @param {string} run id
 * @param {string} etag of the last response, or empty
 * @param {AbortSignal} signal
 * @returns {Promise<{etag: string, run: RunOut} | null>} null if nothing has changed
 * @throws {Problem}
 */
export async function pollRun(run, etag, signal) {
  const headers = { Accept: "application/json", ...(etag && { "If-None-Match": etag }) };
  const { response, text } = await request(`/runs/${run}`, { headers, cache: "no-store", signal });
  if (response.status === 304) return null;
  return { etag: response.headers.get("ETag") ?? "", run: /** @type {RunOut} */ (parseResponse(response.status, text, response.headers.get("Retry-After"))) };
}

/**
 * Upload a picture and report the progress. It uses XMLHttpRequest, because `fetch` does not report the progress.
 * @param {File} file
 * @param {(fraction: number) => void} onProgress
 * @param {AbortSignal} signal
 * @returns {Promise<ImageOut>} the stored image
 * @throws {Problem}
 */
export async function upload(file, onProgress, signal) {
  const form = new FormData();
  form.append("image", file, file.name);
  const answered = await send(form, token(), onProgress, signal);
  return /** @type {ImageOut} */ (read(answered.status, answered.responseText, answered.getResponseHeader("Retry-After")));
}

/**
 * @param {FormData} form
 * @param {string} csrf token
 * @param {(fraction: number) => void} onProgress
 * @param {AbortSignal} signal
 * @returns {Promise<XMLHttpRequest>} with the response
 * @throws {Problem} with the code "aborted", or with status 0 if there is no response
 */
function send(form, csrf, onProgress, signal) {
  return new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest();
    xhr.open("POST", `${ROOT}/images`);
    xhr.setRequestHeader("Accept", "application/json");
    xhr.setRequestHeader("X-CSRFToken", csrf);
    xhr.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) onProgress(event.loaded / event.total);
    });
    xhr.addEventListener("load", () => resolve(xhr));
    for (const end of ["error", "abort", "timeout"]) {
      xhr.addEventListener(end, () => reject(new Problem(0, { code: end === "abort" ? "aborted" : "" })));
    }
    signal.addEventListener("abort", () => xhr.abort());
    xhr.send(form);
  });
}

/**
 * @param {string} method
 * @param {string} path below /api/v1, with a leading slash
 * @param {object} [body] sent as JSON
 * @returns {Promise<unknown>} the JSON of the response, or null if it has no body
 * @throws {Problem}
 */
async function call(method, path, body) {
  const changes = method !== "GET" && { "X-CSRFToken": token() };
  const headers = { Accept: "application/json", ...changes, ...(body && { "Content-Type": "application/json" }) };
  const { response, text } = await request(path, { method, headers, body: body ? JSON.stringify(body) : null });
  return read(response.status, text, response.headers.get("Retry-After"));
}

/**
 * @param {string} path below /api/v1
 * @param {RequestInit} options
 * @throws {Problem} with status 0 if there is no response, or only a part of it
 */
async function request(path, options) {
  try {
    const response = await fetch(ROOT + path, { credentials: "same-origin", ...options });
    return { response, text: await response.text() };
  } catch {
    throw new Problem(0, {});
  }
}

/**
 * Return the JSON of a response, and offer to sign in if the session has ended.
 * @param {number} status
 * @param {string} text
 * @param {string | null} retryAfter
 */
function read(status, text, retryAfter) {
  if (status === 401) offerSignIn();
  return parseResponse(status, text, retryAfter);
}

/**
 * @returns {string} the CSRF token of the cookie; the token in a form may be older than the last sign-in
 * @throws {Problem} if the browser does not have the cookie
 */
function token() {
  const found = csrfToken(document.cookie, location.protocol === "https:");
  if (!found) throw new Problem(403, { detail: document.body.dataset.noCookie ?? "" });
  return found;
}
