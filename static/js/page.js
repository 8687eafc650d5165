// What every module shares: doing its work on the parts of a page that have just appeared, and speaking to people.
import { partOf } from "./model/numbers.js";
import { numbersIn } from "./model/text.js";

/** Numbers in the language of the page. */
export const numbers = numbersIn(document.documentElement.lang);

/**
 * Run `start` on the whole page now, and again on every part that replaces another one later.
 * @param {(root: ParentNode) => void} start
 */
export function onPage(start) {
  start(document);
  document.addEventListener("page:replaced", (event) => start(/** @type {CustomEvent<HTMLElement>} */ (event).detail));
}

/**
 * Elements below `root` that match, `root` itself included.
 * @param {string} selector
 * @param {ParentNode} [root]
 * @returns {HTMLElement[]}
 */
export function all(selector, root = document) {
  const found = /** @type {HTMLElement[]} */ ([...root.querySelectorAll(selector)]);
  return root instanceof HTMLElement && root.matches(selector) ? [root, ...found] : found;
}

/** @param {HTMLInputElement} range is drawn filled up to its thumb, what only Firefox does by itself */
export function paintRange(range) {
  const part = partOf(Number(range.value), Number(range.min), Number(range.max));
  range.style.setProperty("--fill", `calc(0.5625rem + (100% - 1.125rem) * ${part})`);
}

/** @type {HTMLElement | undefined} */
let region;

/**
 * Say something to people who listen instead of look.
 * @param {string} text
 */
export function announce(text) {
  if (!region) {
    region = document.createElement("div");
    region.className = "visually-hidden";
    region.setAttribute("role", "status");
    document.body.append(region);
  }
  region.textContent = text;
}

/** @type {HTMLElement | undefined} */
let toast;

/**
 * Say at the lower edge of the window what happened; it leaves by itself.
 * @param {string} text
 */
export function notify(text) {
  if (toast?.isConnected && "stays" in toast.dataset) return;  // what it asks for comes first
  leaveSoon(show(text));
}

/** Say that the session has ended, with a way to sign in that leads back to this page; it stays until it is taken. */
export function offerSignIn() {
  const { signIn, signInWords, signedOut } = document.body.dataset;
  if (!signIn || (toast?.isConnected && "stays" in toast.dataset)) return;
  const link = document.createElement("a");
  link.className = "btn small";
  link.href = `${signIn}?${new URLSearchParams({ next: location.pathname + location.search }).toString()}`;
  link.textContent = signInWords ?? "";
  const here = show(signedOut ?? "");
  here.dataset.stays = "";
  here.append(link);
}

/**
 * @param {string} text
 * @returns {HTMLElement} the toast
 */
function show(text) {
  toast?.remove();
  const here = document.createElement("div");
  here.className = "toast";
  here.setAttribute("role", "status");
  const words = document.createElement("span");
  words.className = "grow";
  here.append(words);
  document.body.append(here);
  words.textContent = text;  // after it stands in the page: only then is it read out
  toast = here;
  return here;
}

/** @param {HTMLElement} shown leaves after a while, but not while it is focused or pointed at */
export function leaveSoon(shown) {
  const leave = () => (shown.matches(":hover, :focus-within") ? setTimeout(leave, 1000) : shown.remove());
  setTimeout(leave, 8000);
}
