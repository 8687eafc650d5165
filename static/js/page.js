// Functions that the modules share: set-up of new parts of a page, announcements and toasts.
import { partOf } from "./model/numbers.js";
import { numbersIn } from "./model/text.js";

/** Numbers in the language of the page. */
export const numbers = numbersIn(document.documentElement.lang);

/**
 * Call `setUp` on the page, and later on every element that replaces a part of it.
 * @param {(root: ParentNode) => void} setUp
 */
export function onPage(setUp) {
  setUp(document);
  document.addEventListener("page:replaced", (event) => setUp(/** @type {CustomEvent<HTMLElement>} */ (event).detail));
}

/**
 * Return the elements below `root` that match the selector, including `root` itself.
 * @param {string} selector
 * @param {ParentNode} [root]
 * @returns {HTMLElement[]}
 */
export function all(selector, root = document) {
  const found = /** @type {HTMLElement[]} */ ([...root.querySelectorAll(selector)]);
  return root instanceof HTMLElement && root.matches(selector) ? [root, ...found] : found;
}

/**
 * Show the part of a slider before its thumb as filled; only Firefox does so by itself.
 * @param {HTMLInputElement} range
 */
export function paintRange(range) {
  const part = partOf(Number(range.value), Number(range.min), Number(range.max));
  range.style.setProperty("--fill", `calc(0.5625rem + (100% - 1.125rem) * ${part})`);
}

/** @type {HTMLElement | undefined} */
let region;

/**
 * Announce a text to screen readers.
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
 * Show a text in a toast, which disappears after some seconds.
 * @param {string} text
 */
export function notify(text) {
  if (toast?.isConnected && "persistent" in toast.dataset) return;
  removeLater(show(text));
}

/** Show a persistent toast that the session has ended, with a link to sign in and return to this page. */
export function offerSignIn() {
  const { signIn, signInText, signedOut } = document.body.dataset;
  if (!signIn || (toast?.isConnected && "persistent" in toast.dataset)) return;
  const link = document.createElement("a");
  link.className = "btn small";
  link.href = `${signIn}?${new URLSearchParams({ next: location.pathname + location.search }).toString()}`;
  link.textContent = signInText ?? "";
  const element = show(signedOut ?? "");
  element.dataset.persistent = "";
  element.append(link);
}

/**
 * @param {string} text
 * @returns {HTMLElement} the toast
 */
function show(text) {
  toast?.remove();
  const element = document.createElement("div");
  element.className = "toast";
  element.setAttribute("role", "status");
  const span = document.createElement("span");
  span.className = "grow";
  element.append(span);
  document.body.append(element);
  span.textContent = text;  // set last, because screen readers only announce changes
  toast = element;
  return element;
}

/**
 * Remove an element after eight seconds, but not while it has the focus or the pointer is over it.
 * @param {HTMLElement} element
 */
export function removeLater(element) {
  const remove = () => (element.matches(":hover, :focus-within") ? setTimeout(remove, 1000) : element.remove());
  setTimeout(remove, 8000);
}
