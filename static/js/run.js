// A run that waits or works: its page follows it and turns into the result without being loaded again.
import { Problem, cancelRun, pollRun } from "./api.js";
import { pauseAfterAnswer, pauseAfterTrouble } from "./model/polling.js";
import { fill } from "./model/text.js";
import { all, announce, onPage } from "./page.js";

/** @import { RunOut } from "./api.js" */

/** Follows one run from its page. */
class Watch {
  /** @param {HTMLElement} page */
  constructor(page) {
    this.page = page;
    this.id = page.dataset.run ?? "";
    this.state = page.dataset.state ?? "";
    this.etag = "";
    this.isFar = false;  // several others have their turn before
    this.began = performance.now();
    this.stopped = new AbortController();
    /** @type {(() => void) | null} */
    this.wake = null;
  }

  async follow() {
    document.addEventListener("visibilitychange", () => { if (!document.hidden) this.wake?.(); }, { signal: this.stopped.signal });
    for (const form of all("form[data-cancel]", this.page)) form.addEventListener("submit", (event) => void this.cancel(event, form));
    while (this.page.isConnected) {
      const pause = await this.look();
      if (pause === null) break;
      await new Promise((resolve) => {
        this.wake = () => resolve(undefined);
        setTimeout(resolve, pause);
      });
    }
    this.stopped.abort();
  }

  /** @returns {Promise<number | null>} how long to wait until the next look, null when there is nothing more to see */
  async look() {
    try {
      const news = await pollRun(this.id, this.etag, this.stopped.signal);
      this.trouble(false);
      if (news) {
        this.etag = news.etag;
        if (news.run.state !== this.state) {
          await replacePage(this.page);
          return null;
        }
        this.isFar = (news.run.position ?? 0) > 1;
        this.show(news.run);
      }
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      if (problem.isGone) {
        location.reload();  // deleted, or signed out elsewhere: the server's own page says it
        return null;
      }
      this.trouble(true);
      return pauseAfterTrouble(problem.retryAfter);
    }
    return pauseAfterAnswer({ passed: performance.now() - this.began, isFar: this.isFar, isHidden: document.hidden });
  }

  /** @param {RunOut} status */
  show(status) {
    const words = this.page.dataset;
    const percent = `${status.percent}\u202f%`;
    const say = (/** @type {string} */ name, /** @type {string} */ text) => {
      for (const part of all(`[data-show=${name}]`, this.page)) if (part.textContent !== text) part.textContent = text;
    };
    say("percent", percent);
    say("message", status.message);
    say("left", status.seconds_left === null ? "" : timeLeft(status.seconds_left, words));
    for (const bar of /** @type {HTMLProgressElement[]} */ (all("progress", this.page))) bar.value = status.percent;
    if (this.state === "running") document.title = fill(words.title ?? "", { percent });
    const steps = all("[data-stage]", this.page), now = steps.findIndex((step) => step.dataset.stage === status.stage);
    steps.forEach((step, i) => {
      const mark = now < 0 || i > now ? "later" : i < now ? "done" : "now";
      step.className = mark === "later" ? "" : mark;
      for (const sign of all("[data-mark]", step)) sign.hidden = sign.dataset.mark !== mark;
      if (mark === "now") step.setAttribute("aria-current", "step");
      else step.removeAttribute("aria-current");
    });
  }

  /** @param {boolean} lost whether the server does not answer */
  trouble(lost) {
    for (const part of all("[data-lost]", this.page)) if (part.hidden === lost) part.hidden = !lost;
  }

  /**
   * @param {Event} event
   * @param {HTMLElement} form
   */
  async cancel(event, form) {
    event.preventDefault();
    if (form.querySelector("[aria-busy=true]")) return;  // on its way already
    for (const button of all("button", form)) button.setAttribute("aria-busy", "true");
    try {
      await cancelRun(this.id);
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;  // it was over already, or the next look says more
    }
    for (const button of all("button", form)) button.removeAttribute("aria-busy");
    this.wake?.();
  }
}

/**
 * How many seconds are left, in the unit that fits; `formatting.time_left` in Python does the same.
 * @param {number} seconds
 * @param {DOMStringMap} words with the sentence for each unit
 */
function timeLeft(seconds, words) {
  if (seconds < 90) return fill(words.leftS ?? "", { n: Math.max(1, Math.round(seconds)) });
  if (seconds < 90 * 60) return fill(words.leftMin ?? "", { n: Math.round(seconds / 60) });
  return fill(words.leftH ?? "", { n: Math.round(seconds / 3600) });
}

/**
 * Fetch this address again and put its main part in place of the one that is shown, pictures decoded first.
 * @param {HTMLElement} page
 */
async function replacePage(page) {
  const old = /** @type {HTMLElement} */ (page.closest("main"));
  let text;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store", credentials: "same-origin" });
    if (!answer.ok || answer.redirected) return location.reload();
    text = await answer.text();
  } catch {
    return location.reload();
  }
  const fetched = new DOMParser().parseFromString(text, "text/html");
  const fresh = fetched.querySelector("main");
  if (!fresh) return location.reload();
  document.adoptNode(fresh);
  const modules = [...fetched.querySelectorAll("script[type=module][src]")].map((script) => /** @type {Promise<unknown>} */ (import(script.getAttribute("src") ?? "")));
  const decoded = [...fresh.querySelectorAll("img")].filter((picture) => picture.loading !== "lazy").map((picture) => keep(picture, old) ?? picture.decode().catch(() => undefined));
  await Promise.all(modules);
  await Promise.race([Promise.all(decoded), new Promise((resolve) => { setTimeout(resolve, 3000); })]);
  const focused = old.contains(document.activeElement);
  old.replaceWith(fresh);
  document.dispatchEvent(new CustomEvent("page:replaced", { detail: fresh }));
  entitle(fetched.title, fresh);
  if (focused) {
    const heading = fresh.querySelector("h1");
    heading?.setAttribute("tabindex", "-1");
    heading?.focus({ preventScroll: true });
  }
}

/**
 * A picture that is shown already goes over to the new page as it is.
 * @param {HTMLImageElement} picture
 * @param {HTMLElement} old
 */
function keep(picture, old) {
  const shown = /** @type {HTMLImageElement | undefined} */ ([...old.querySelectorAll("img")].find((other) => other.getAttribute("src") === picture.getAttribute("src")));
  if (!shown?.complete) return null;
  const taken = /** @type {HTMLImageElement} */ (shown.cloneNode());
  for (const name of ["alt", "class", "width", "height"]) {
    const value = picture.getAttribute(name);
    if (value === null) taken.removeAttribute(name);
    else taken.setAttribute(name, value);
  }
  picture.replaceWith(taken);
  return taken.decode().catch(() => undefined);
}

/**
 * @param {string} title
 * @param {HTMLElement} main
 */
function entitle(title, main) {
  document.title = title;
  const said = /** @type {HTMLElement | null} */ (main.querySelector("[data-announce]"))?.dataset.announce;
  if (!said) return;
  announce(said);
  if (!document.hidden) return;
  document.title = `${said} · ${title}`;  // seen among the tabs until somebody looks
  document.addEventListener("visibilitychange", () => { document.title = title; }, { once: true });
}

onPage((root) => {
  for (const page of all("[data-run]", root)) {
    if (page.dataset.state === "queued" || page.dataset.state === "running") void new Watch(page).follow();
  }
});
