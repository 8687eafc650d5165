// Pictures that are dropped, pasted or chosen anywhere on the site are sent one after the other, each with its bar, and run.
import { Problem, patiently, startRun, upload } from "./api.js";
import { fill } from "./model/text.js";
import { InTurn, refusalOf } from "./model/uploads.js";
import { announce, notify, numbers } from "./page.js";

/** @import { RunOut } from "./api.js" */

/** @typedef {{file: File, clusters: number | null}} Picture a number of clusters, or what a run has without one */

/** One entry of the list. */
class Entry {
  /**
   * @param {HTMLLIElement} item
   * @param {DOMStringMap} words sentences of the list
   * @param {File} file
   */
  constructor(item, words, file) {
    this.item = item;
    this.words = words;
    this.name = file.name;
    this.stopping = new AbortController();
    this.part("name").textContent = file.name;
    this.part("name").title = file.name;
    this.part("stop").addEventListener("click", () => this.stop());
    this.say(words.waiting ?? "");
  }

  /** @param {string} name */
  part(name) {
    return /** @type {HTMLElement} */ (this.item.querySelector(`[data-${name}]`));
  }

  /** @param {string} stage */
  say(stage) {
    this.part("stage").textContent = stage;
  }

  /** @param {number} fraction of the bytes that have left */
  sent(fraction) {
    const { words } = this;
    /** @type {HTMLProgressElement} */ (this.part("bar")).value = fraction * 100;
    this.say(fraction < 1 ? fill(words.uploadingPart ?? "", { percent: numbers.wholePercent(fraction) }) : words.checking ?? "");
    document.title = `${fraction < 1 ? `${numbers.wholePercent(fraction)} ` : ""}${this.name} · ${words.site}`;
  }

  /** The picture is stored: from here on there is nothing to stop. */
  begins() {
    this.part("stop").hidden = true;
    this.say(this.words.starting ?? "");
  }

  stop() {
    this.stopping.abort();
    this.end("stopped", this.words.stopped ?? "");
    announce(this.words.stopped ?? "");
  }

  /** @param {string} address of the run */
  opened(address) {
    const link = /** @type {HTMLAnchorElement} */ (this.part("open"));
    link.href = address;
    link.hidden = false;
    this.end("started", this.words.started ?? "");
  }

  /**
   * @param {string} heading
   * @param {string} sentence
   */
  refused(heading, sentence) {
    this.end("refused", "");
    const notice = this.part("refusal");
    notice.hidden = false;
    this.part("heading").textContent = heading;
    this.part("sentence").textContent = sentence;
    this.part("line").hidden = true;
    this.item.scrollIntoView({ block: "nearest" });
  }

  /**
   * @param {"stopped" | "started" | "refused"} state
   * @param {string} sentence
   */
  end(state, sentence) {
    this.item.dataset.state = state;
    this.part("bar").hidden = true;
    this.part("stop").hidden = true;
    this.say(sentence);
  }
}

/** The list at the lower edge of the window. */
class Uploads {
  /** @param {HTMLElement} panel */
  constructor(panel) {
    this.panel = panel;
    this.words = panel.dataset;
    this.list = /** @type {HTMLOListElement} */ (panel.querySelector("[data-list]"));
    this.template = /** @type {HTMLTemplateElement} */ (panel.querySelector("template"));
    this.close = /** @type {HTMLButtonElement} */ (panel.querySelector("[data-close]"));
    this.turns = new InTurn();
    this.title = "";
    this.ask = (/** @type {BeforeUnloadEvent} */ event) => event.preventDefault();
    this.close.addEventListener("click", () => this.clear());
    window.addEventListener("pageshow", (event) => { if (event.persisted) this.clear(); });
  }

  clear() {
    this.list.replaceChildren();
    this.panel.hidden = true;
  }

  /**
   * @param {File[]} files
   * @param {number | null} clusters
   */
  async add(files, clusters) {
    if (!files.length) return;
    if (!this.turns.isBusy) this.begin();
    const entries = files.map((file) => this.entry(file));
    try {
      await this.turns.add(...files.map((file, i) => () => this.send(/** @type {Entry} */ (entries[i]), { file, clusters })));
    } finally {
      if (!this.turns.isBusy) this.end();
    }
  }

  begin() {
    this.clear();
    this.title = document.title;
    this.close.hidden = true;
    window.addEventListener("beforeunload", this.ask);  // only while something would be lost
  }

  end() {
    window.removeEventListener("beforeunload", this.ask);
    document.title = this.title;
    this.close.hidden = false;
    const [only, other] = this.list.children;
    const link = /** @type {HTMLAnchorElement | null} */ (other ? null : only?.querySelector("a[data-open]:not([hidden])"));
    if (link) location.assign(link.href);
  }

  /** @param {File} file */
  entry(file) {
    const item = /** @type {HTMLLIElement} */ (/** @type {DocumentFragment} */ (this.template.content.cloneNode(true)).firstElementChild);
    this.list.append(item);
    this.panel.hidden = false;
    return new Entry(item, this.words, file);
  }

  /**
   * @param {Entry} entry
   * @param {Picture} picture
   */
  async send(entry, { file, clusters }) {
    const { words } = this, limit = Number(words.maxBytes);
    if (entry.stopping.signal.aborted) return;
    if (refusalOf(file, limit) === "too large") {
      return this.refuse(entry, fill(words.tooLarge ?? "", { size: numbers.fileSize(file.size), limit: numbers.fileSize(limit) }));
    }
    let image;
    try {
      entry.item.scrollIntoView({ block: "nearest" });
      entry.sent(0);
      const { signal } = entry.stopping;
      image = await patiently(() => upload(file, (fraction) => entry.sent(fraction), signal), () => !signal.aborted);
      entry.begins();
      entry.opened(this.address(await startRun(image.id, clusters)));
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      if (problem.code === "aborted" || entry.stopping.signal.aborted) return;
      const sentence = problem.message || (words.noAnswer ?? "");
      if (image) entry.refused(fill(words.notStarted ?? "", { name: file.name }), sentence);
      else this.refuse(entry, sentence);
    }
  }

  /**
   * @param {Entry} entry
   * @param {string} sentence
   */
  refuse(entry, sentence) {
    entry.refused(fill(this.words.refused ?? "", { name: entry.name }), `${sentence} ${this.words.nothing}`);
  }

  /** @param {RunOut} run */
  address(run) {
    return (this.words.runUrl ?? "").replace(this.words.anyId ?? "", run.id);
  }
}

const panel = /** @type {HTMLElement | null} */ (document.querySelector("[data-uploads]"));
const uploads = panel && new Uploads(panel);

/** @returns {HTMLInputElement | null} the number of clusters on this page's upload form */
function clustersField() {
  return document.querySelector("form[data-upload] [name=n_clusters]");
}

/**
 * Send pictures; somebody who is not signed in is told to do that first.
 * @param {File[]} files
 */
export function take(files) {
  if (!uploads) return notify(document.body.dataset.signInFirst ?? "");
  const field = clustersField();
  if (field && !field.reportValidity()) return;
  void uploads.add(files, field ? Number(field.value) : null);
}

/**
 * Files that somebody puts into a field of a form, or text that is pasted into one, are no pictures to send.
 * @param {Event} event
 */
function isForField(event) {
  const target = event.target instanceof Element ? event.target : null;
  return Boolean(target?.closest("input[type=file]") && !target.closest("form[data-upload]"));
}

/** @param {boolean} isOver */
function showOver(isOver) {
  document.documentElement.classList.toggle("is-over", isOver);
  document.querySelector("form[data-upload]")?.classList.toggle("is-over", isOver);
}

document.addEventListener("paste", (event) => {
  const files = [...(event.clipboardData?.files ?? [])];
  if (!files.length || event.clipboardData?.getData("text/plain")) return;
  event.preventDefault();
  take(files);
});
document.addEventListener("dragover", (event) => {
  if (!event.dataTransfer?.types.includes("Files") || isForField(event)) return;
  event.preventDefault();
  showOver(true);
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) showOver(false);
});
document.addEventListener("drop", (event) => {
  showOver(false);
  if (!event.dataTransfer?.types.includes("Files") || isForField(event)) return;
  event.preventDefault();
  take([...event.dataTransfer.files]);
});
