// Page of an active run: polls its state, and shows the result without reloading the page.
import { Problem, cancelRun, pollRun } from "./api.js";
import { intervalAfterError, intervalAfterResponse } from "./model/polling.js";
import { fill } from "./model/text.js";
import { all, announce, numbers, onPage } from "./page.js";

/** @import { RunOut } from "./api.js" */

/** Polls the state of a run and shows it. */
class ActiveRun {
  /** @param {HTMLElement} page */
  constructor(page) {
    this.page = page;
    this.id = page.dataset.run ?? "";
    this.state = page.dataset.state ?? "";
    this.etag = "";
    this.isFarBack = false;  // several runs are ahead in the queue
    this.opened = performance.now();
    this.stopped = new AbortController();
    /** @type {(() => void) | null} */
    this.pollNow = null;
  }

  async poll() {
    document.addEventListener("visibilitychange", () => { if (!document.hidden) this.pollNow?.(); }, { signal: this.stopped.signal });
    for (const form of all("form[data-cancel]", this.page)) form.addEventListener("submit", (event) => void this.cancel(event, form));
    while (this.page.isConnected) {
      const interval = await this.refresh();
      if (interval === null) break;
      await new Promise((resolve) => {
        this.pollNow = () => resolve(undefined);
        setTimeout(resolve, interval);
      });
    }
    this.stopped.abort();
  }

  /** @returns {Promise<number | null>} milliseconds until the next request, null if there will be none */
  async refresh() {
    try {
      const changed = await pollRun(this.id, this.etag, this.stopped.signal);
      this.showConnection(false);
      if (changed) {
        this.etag = changed.etag;
        if (changed.run.state !== this.state) {
          await replacePage(this.page);
          return null;
        }
        this.isFarBack = (changed.run.position ?? 0) > 1;
        this.show(changed.run);
      }
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      if (problem.isGone) {
        location.reload();  // deleted, or signed out in another window: show the server's page
        return null;
      }
      this.showConnection(true);
      return intervalAfterError(problem.retryAfter);
    }
    return intervalAfterResponse({ elapsed: performance.now() - this.opened, isFarBack: this.isFarBack, isHidden: document.hidden });
  }

  /** @param {RunOut} status */
  show(status) {
    const texts = this.page.dataset;
    const percent = numbers.wholePercent(status.percent / 100);
    const setText = (/** @type {string} */ name, /** @type {string} */ text) => {
      for (const part of all(`[data-show=${name}]`, this.page)) if (part.textContent !== text) part.textContent = text;
    };
    setText("percent", percent);
    setText("message", status.message);
    setText("left", status.seconds_left === null ? "" : timeLeft(status.seconds_left, texts));
    for (const bar of /** @type {HTMLProgressElement[]} */ (all("progress", this.page))) bar.value = status.percent;
    if (this.state === "running") document.title = fill(texts.title ?? "", { percent });
    const stages = all("[data-stage]", this.page), now = stages.findIndex((stage) => stage.dataset.stage === status.stage);
    stages.forEach((stage, i) => {
      const progress = now < 0 || i > now ? "later" : i < now ? "done" : "now";
      stage.className = progress === "later" ? "" : progress;
      for (const icon of all("[data-progress]", stage)) icon.hidden = icon.dataset.progress !== progress;
      if (progress === "now") stage.setAttribute("aria-current", "step");
      else stage.removeAttribute("aria-current");
    });
  }

  /** @param {boolean} isLost whether the server does not respond */
  showConnection(isLost) {
    for (const part of all("[data-connection-lost]", this.page)) if (part.hidden === isLost) part.hidden = !isLost;
  }

  /**
   * @param {Event} event
   * @param {HTMLElement} form
   */
  async cancel(event, form) {
    event.preventDefault();
    if (form.querySelector("[aria-busy=true]")) return;  // already sent
    for (const button of all("button", form)) button.setAttribute("aria-busy", "true");
    try {
      await cancelRun(this.id);
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;  // the run has ended meanwhile; the next request shows its state
    }
    for (const button of all("button", form)) button.removeAttribute("aria-busy");
    this.pollNow?.();
  }
}

/**
 * Return the remaining time in a suitable unit, like `words.time_left` in Python.
 * @param {number} seconds
 * @param {DOMStringMap} texts with the sentence for each unit
 */
function timeLeft(seconds, texts) {
  if (seconds < 90) return fill(texts.leftS ?? "", { n: Math.max(1, Math.round(seconds)) });
  if (seconds < 90 * 60) return fill(texts.leftMin ?? "", { n: Math.round(seconds / 60) });
  return fill(texts.leftH ?? "", { n: Math.round(seconds / 3600) });
}

/**
 * Fetch this page again and replace its main element, after the pictures of the new one are decoded.
 * @param {HTMLElement} page
 */
async function replacePage(page) {
  const old = /** @type {HTMLElement} */ (page.closest("main"));
  let text;
  try {
    const response = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store", credentials: "same-origin" });
    if (!response.ok || response.redirected) return location.reload();
    text = await response.text();
  } catch {
    return location.reload();
  }
  const fetched = new DOMParser().parseFromString(text, "text/html");
  const fresh = fetched.querySelector("main");
  if (!fresh) return location.reload();
  document.adoptNode(fresh);
  const modules = [...fetched.querySelectorAll("script[type=module][src]")].map((script) => /** @type {Promise<unknown>} */ (import(script.getAttribute("src") ?? "")));
  const decoded = [...fresh.querySelectorAll("img")].filter((picture) => picture.loading !== "lazy").map((picture) => reusePicture(picture, old) ?? picture.decode().catch(() => undefined));
  await Promise.all(modules);
  await Promise.race([Promise.all(decoded), new Promise((resolve) => { setTimeout(resolve, 3000); })]);
  const focused = old.contains(document.activeElement);
  old.replaceWith(fresh);
  document.dispatchEvent(new CustomEvent("page:replaced", { detail: fresh }));
  showTitle(fetched.title, fresh);
  if (focused) {
    const heading = fresh.querySelector("h1");
    heading?.setAttribute("tabindex", "-1");
    heading?.focus({ preventScroll: true });
  }
}

/**
 * Replace a picture of the new page by a copy of the same picture on the old page, which is already loaded.
 * @param {HTMLImageElement} picture
 * @param {HTMLElement} old
 * @returns {Promise<void> | null} null if the old page does not show the picture
 */
function reusePicture(picture, old) {
  const shown = /** @type {HTMLImageElement | undefined} */ ([...old.querySelectorAll("img")].find((other) => other.getAttribute("src") === picture.getAttribute("src")));
  if (!shown?.complete) return null;
  const copy = /** @type {HTMLImageElement} */ (shown.cloneNode());
  for (const name of ["alt", "class", "width", "height"]) {
    const value = picture.getAttribute(name);
    if (value === null) copy.removeAttribute(name);
    else copy.setAttribute(name, value);
  }
  picture.replaceWith(copy);
  return copy.decode().catch(() => undefined);
}

/**
 * Set the title of the tab, and announce that the run has ended.
 * @param {string} title
 * @param {HTMLElement} main
 */
function showTitle(title, main) {
  document.title = title;
  const announcement = /** @type {HTMLElement | null} */ (main.querySelector("[data-announce]"))?.dataset.announce;
  if (!announcement) return;
  announce(announcement);
  if (!document.hidden) return;
  document.title = `${announcement} · ${title}`;  // until the tab becomes visible
  document.addEventListener("visibilitychange", () => { document.title = title; }, { once: true });
}

onPage((root) => {
  for (const page of all("[data-run]", root)) {
    if (page.dataset.state === "queued" || page.dataset.state === "running") void new ActiveRun(page).poll();
  }
});
