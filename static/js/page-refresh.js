// Fetches the current page again, so that parts of it can be replaced by newer ones.

/**
 * @returns {Promise<Document | null>} this page as the server renders it now; null if the person may no longer see it
 * @throws {Error} if the server does not respond, or responds with an error
 */
export async function fetchPage() {
  const response = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store", credentials: "same-origin" });
  if (response.redirected || response.status === 403 || response.status === 404) return null;
  if (!response.ok) throw new Error(String(response.status));
  return new DOMParser().parseFromString(await response.text(), "text/html");
}

/**
 * Replace an element by a fetched one, and keep the pictures that are already loaded.
 * @param {Element} old
 * @param {Element} fresh from another document
 */
export function replaceElement(old, fresh) {
  document.adoptNode(fresh);
  for (const picture of fresh.querySelectorAll("img")) {
    const same = [...old.querySelectorAll("img")].find((other) => other.getAttribute("src") === picture.getAttribute("src"));
    if (same) picture.replaceWith(same);
  }
  old.replaceWith(fresh);
}

/**
 * @param {Element} element
 * @returns {boolean} whether it contains the focus or an open menu
 */
export function isInUse(element) {
  return element.contains(document.activeElement) || element.querySelector("details.menu[open]") !== null;
}

/** @param {number} milliseconds */
export function wait(milliseconds) {
  return new Promise((resolve) => { setTimeout(resolve, milliseconds); });
}

/** @returns {Promise<unknown>} resolved as soon as the page is visible */
export function untilVisible() {
  return new Promise((resolve) => {
    if (document.hidden) document.addEventListener("visibilitychange", resolve, { once: true });
    else resolve(undefined);
  });
}
