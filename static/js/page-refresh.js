// A page that is fetched again, so that parts of it can be put in place of those that are shown.

/**
 * @returns {Promise<Document | null>} this page as the server has it now; null when it is no longer ours to see
 * @throws {Error} when the server does not answer, or not with a page
 */
export async function fetchPage() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store", credentials: "same-origin" });
  if (answer.redirected || answer.status === 403 || answer.status === 404) return null;
  if (!answer.ok) throw new Error(String(answer.status));
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

/**
 * Put a part that was fetched in place of the one that is shown, with the pictures that are loaded already.
 * @param {Element} old
 * @param {Element} fresh of another document
 */
export function exchange(old, fresh) {
  document.adoptNode(fresh);
  for (const picture of fresh.querySelectorAll("img")) {
    const same = [...old.querySelectorAll("img")].find((other) => other.getAttribute("src") === picture.getAttribute("src"));
    if (same) picture.replaceWith(same);  // not fetched again
  }
  old.replaceWith(fresh);
}

/**
 * @param {Element} part
 * @returns {boolean} whether somebody is in it with the keyboard, or has opened a menu of it
 */
export function isInUse(part) {
  return part.contains(document.activeElement) || part.querySelector("details.menu[open]") !== null;
}

/** @param {number} milliseconds */
export function pause(milliseconds) {
  return new Promise((resolve) => { setTimeout(resolve, milliseconds); });
}

/** Wait until somebody looks at this page. */
export function seen() {
  return new Promise((resolve) => {
    if (document.hidden) document.addEventListener("visibilitychange", resolve, { once: true });
    else resolve(undefined);
  });
}
