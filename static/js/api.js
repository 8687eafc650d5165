// Requests to /api/v1, with the session and its CSRF token; errors are the API's problem details.
import { Problem, csrfToken, understood } from "./model/answers.js";
import * as patience from "./model/patience.js";
import { offerSignIn } from "./page.js";

export { Problem };

// What the API gives, as far as it is used here; tests/api compares these types with the API's own description.

/**
 * @typedef {object} ClusterOut
 * @property {number} index
 * @property {boolean} foreground
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

// This file is below static/ of the site, wherever the site begins on its host.
const ROOT = new URL("../../api/v1", import.meta.url).pathname;

/**
 * Ask for something that the server has few places for, and again for some seconds while it is busy.
 * @template T
 * @param {() => Promise<T>} request
 * @param {() => boolean} isWanted whether somebody still waits for the answer
 * @returns {Promise<T>}
 * @throws {Problem}
 */
export function patiently(request, isWanted) {
  return patience.patiently(request, isWanted, (seconds) => new Promise((resolve) => { setTimeout(resolve, 1000 * seconds); }));
}

/**
 * @param {string} image id
 * @param {number | null} clusters null: as many as a run has of which nothing is said
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
 * @param {number} revision that the changes start from
 * @param {ClusterOut[]} clusters the changed ones
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
export async function pixelOf(run, { x, y }) {
  return /** @type {PixelReportOut} */ (await call("GET", `/runs/${run}/at?x=${x}&y=${y}`));
}

/**
 * Ask again for a run that changes; an unchanged answer costs the server almost nothing.
 * @param {string} run id
 * @param {string} etag of the last answer, or empty
 * @param {AbortSignal} signal
 * @returns {Promise<{etag: string, run: RunOut} | null>} null when nothing has changed
 * @throws {Problem}
 */
export async function pollRun(run, etag, signal) {
  const headers = { Accept: "application/json", ...(etag && { "If-None-Match": etag }) };
  const { answer, text } = await ask(`/runs/${run}`, { headers, cache: "no-store", signal });
  if (answer.status === 304) return null;
  return { etag: answer.headers.get("ETag") ?? "", run: /** @type {RunOut} */ (understood(answer.status, text, answer.headers.get("Retry-After"))) };
}

/**
 * Send a file and hear how much of it has left: what `fetch` cannot tell.
 * @param {File} file
 * @param {(fraction: number) => void} onProgress
 * @param {AbortSignal} signal
 * @returns {Promise<ImageOut>} the stored image
 * @throws {Problem}
 */
export async function upload(file, onProgress, signal) {
  const form = new FormData();
  form.append("image", file, file.name);
  const request = await send(form, token(), onProgress, signal);
  return /** @type {ImageOut} */ (read(request.status, request.responseText, request.getResponseHeader("Retry-After")));
}

/**
 * @param {FormData} form
 * @param {string} csrf token
 * @param {(fraction: number) => void} onProgress
 * @param {AbortSignal} signal
 * @returns {Promise<XMLHttpRequest>} answered
 * @throws {Problem} with code "aborted" or without an answer
 */
function send(form, csrf, onProgress, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `${ROOT}/images`);
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("X-CSRFToken", csrf);
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) onProgress(event.loaded / event.total);
    });
    request.addEventListener("load", () => resolve(request));
    for (const end of ["error", "abort", "timeout"]) {
      request.addEventListener(end, () => reject(new Problem(0, { code: end === "abort" ? "aborted" : "" })));
    }
    signal.addEventListener("abort", () => request.abort());
    request.send(form);
  });
}

/**
 * @param {string} method
 * @param {string} path below /api/v1, with its leading slash
 * @param {object} [body] sent as JSON
 * @returns {Promise<unknown>} the answer's JSON, or null when it has none
 * @throws {Problem}
 */
async function call(method, path, body) {
  const changes = method !== "GET" && { "X-CSRFToken": token() };
  const headers = { Accept: "application/json", ...changes, ...(body && { "Content-Type": "application/json" }) };
  const { answer, text } = await ask(path, { method, headers, body: body ? JSON.stringify(body) : null });
  return read(answer.status, text, answer.headers.get("Retry-After"));
}

/**
 * @param {string} path below /api/v1
 * @param {RequestInit} options
 * @throws {Problem} with status 0 when there is no answer, or it breaks off
 */
async function ask(path, options) {
  try {
    const answer = await fetch(ROOT + path, { credentials: "same-origin", ...options });
    return { answer, text: await answer.text() };
  } catch {
    throw new Problem(0, {});
  }
}

/**
 * Read an answer to what a person has done; whose session has ended is offered to sign in again.
 * @param {number} status
 * @param {string} text
 * @param {string | null} retryAfter
 */
function read(status, text, retryAfter) {
  if (status === 401) offerSignIn();
  return understood(status, text, retryAfter);
}

/**
 * @returns {string} the cookie's token, which is always the newest; a form's field may be older than the last sign-in
 * @throws {Problem} when the browser has no such cookie: no change would be accepted
 */
function token() {
  const found = csrfToken(document.cookie, location.protocol === "https:");
  if (!found) throw new Problem(403, { detail: document.body.dataset.noCookie ?? "" });
  return found;
}
