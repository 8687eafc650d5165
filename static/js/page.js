// What every module shares: doing its work on the parts of a page that have just appeared, and speaking to people.

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

/**
 * Fill the `%(name)s` places of a translated sentence.
 * @param {string} template
 * @param {Record<string, string | number>} values
 */
export function fill(template, values) {
  return template.replace(/%\((\w+)\)s/g, (place, name) => String(values[name] ?? place));
}

const oneDecimal = new Intl.NumberFormat(document.documentElement.lang || undefined, { minimumFractionDigits: 1, maximumFractionDigits: 1, useGrouping: false });

/** @param {number} share 0 to 1 */
export function percent(share) {
  return `${oneDecimal.format(share * 100)}\u202f%`;
}

/** @param {number} count */
export function thousands(count) {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, "\u202f");
}

/** @param {HTMLInputElement} range is drawn filled up to its thumb, what only Firefox does by itself */
export function paintRange(range) {
  const part = (Number(range.value) - Number(range.min)) / (Number(range.max) - Number(range.min));
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
  leaveSoon(here);
}

/** @param {HTMLElement} toast leaves after a while, but not while it is focused or pointed at */
export function leaveSoon(toast) {
  const leave = () => (toast.matches(":hover, :focus-within") ? setTimeout(leave, 1000) : toast.remove());
  setTimeout(leave, 8000);
}
