// Uploads pictures that are dropped, pasted or chosen anywhere on the site one after the other, and starts a run of each.
import { Problem, retryWhileBusy, startRun, upload } from "./api.js";
import { fill } from "./model/text.js";
import { TaskQueue, checkFile } from "./model/uploads.js";
import { announce, notify, numbers } from "./page.js";

/** @import { RunOut } from "./api.js" */

/** @typedef {{file: File, clusters: number | null}} Picture with the number of clusters, or null for the default */

/** Entry of the list: one file with its progress and its result. */
class Entry {
  /**
   * @param {HTMLLIElement} item
   * @param {DOMStringMap} texts of the list
   * @param {File} file
   */
  constructor(item, texts, file) {
    this.item = item;
    this.texts = texts;
    this.name = file.name;
    this.aborter = new AbortController();
    this.part("name").textContent = file.name;
    this.part("name").title = file.name;
    this.part("stop").addEventListener("click", () => this.cancel());
    this.showStage(texts.waiting ?? "");
  }

  /** @param {string} name */
  part(name) {
    return /** @type {HTMLElement} */ (this.item.querySelector(`[data-${name}]`));
  }

  /** @param {string} stage */
  showStage(stage) {
    this.part("stage").textContent = stage;
  }

  /** @param {number} fraction of the bytes that were sent */
  showProgress(fraction) {
    const { texts } = this;
    /** @type {HTMLProgressElement} */ (this.part("bar")).value = fraction * 100;
    this.showStage(fraction < 1 ? fill(texts.uploadingPart ?? "", { percent: numbers.wholePercent(fraction) }) : texts.checking ?? "");
    document.title = `${fraction < 1 ? `${numbers.wholePercent(fraction)} ` : ""}${this.name} · ${texts.site}`;
  }

  /** Show that the picture is stored and its run is starting; the upload can no longer be cancelled. */
  showStored() {
    this.part("stop").hidden = true;
    this.showStage(this.texts.starting ?? "");
  }

  cancel() {
    this.aborter.abort();
    this.end("stopped", this.texts.stopped ?? "");
    announce(this.texts.stopped ?? "");
  }

  /** @param {string} address of the run that was started */
  showRun(address) {
    const link = /** @type {HTMLAnchorElement} */ (this.part("open"));
    link.href = address;
    link.hidden = false;
    this.end("started", this.texts.started ?? "");
  }

  /**
   * @param {string} heading
   * @param {string} sentence
   */
  showError(heading, sentence) {
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
    this.showStage(sentence);
  }
}

/** List of uploads at the lower edge of the window. */
class Uploads {
  /** @param {HTMLElement} panel */
  constructor(panel) {
    this.panel = panel;
    this.texts = panel.dataset;
    this.list = /** @type {HTMLOListElement} */ (panel.querySelector("[data-list]"));
    this.template = /** @type {HTMLTemplateElement} */ (panel.querySelector("template"));
    this.close = /** @type {HTMLButtonElement} */ (panel.querySelector("[data-close]"));
    this.queue = new TaskQueue();
    this.title = "";
    this.confirmLeaving = (/** @type {BeforeUnloadEvent} */ event) => event.preventDefault();
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
    if (!this.queue.isBusy) this.begin();
    const entries = files.map((file) => this.entry(file));
    try {
      await this.queue.add(...files.map((file, i) => () => this.send(/** @type {Entry} */ (entries[i]), { file, clusters })));
    } finally {
      if (!this.queue.isBusy) this.end();
    }
  }

  begin() {
    this.clear();
    this.title = document.title;
    this.close.hidden = true;
    window.addEventListener("beforeunload", this.confirmLeaving);  // only during uploads
  }

  end() {
    window.removeEventListener("beforeunload", this.confirmLeaving);
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
    return new Entry(item, this.texts, file);
  }

  /**
   * @param {Entry} entry
   * @param {Picture} picture
   */
  async send(entry, { file, clusters }) {
    const { texts } = this, limit = Number(texts.maxBytes);
    if (entry.aborter.signal.aborted) return;
    if (checkFile(file, limit) === "too large") {
      return this.showUploadError(entry, fill(texts.tooLarge ?? "", { size: numbers.fileSize(file.size), limit: numbers.fileSize(limit) }));
    }
    let image;
    try {
      entry.item.scrollIntoView({ block: "nearest" });
      entry.showProgress(0);
      const { signal } = entry.aborter;
      image = await retryWhileBusy(() => upload(file, (fraction) => entry.showProgress(fraction), signal), () => !signal.aborted);
      entry.showStored();
      entry.showRun(this.address(await startRun(image.id, clusters)));
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      if (problem.code === "aborted" || entry.aborter.signal.aborted) return;
      const sentence = problem.message || (texts.noResponse ?? "");
      if (image) entry.showError(fill(texts.notStarted ?? "", { name: file.name }), sentence);
      else this.showUploadError(entry, sentence);
    }
  }

  /**
   * @param {Entry} entry
   * @param {string} sentence
   */
  showUploadError(entry, sentence) {
    entry.showError(fill(this.texts.refused ?? "", { name: entry.name }), `${sentence} ${this.texts.nothing}`);
  }

  /** @param {RunOut} run */
  address(run) {
    return (this.texts.runUrl ?? "").replace(this.texts.anyId ?? "", run.id);
  }
}

const panel = /** @type {HTMLElement | null} */ (document.querySelector("[data-uploads]"));
const uploads = panel && new Uploads(panel);

/** @returns {HTMLInputElement | null} the number of clusters on this page's upload form */
function clustersField() {
  return document.querySelector("form[data-upload] [name=n_clusters]");
}

/**
 * Upload pictures, or show a message that the person must sign in first.
 * @param {File[]} files
 */
export function uploadFiles(files) {
  if (!uploads) return notify(document.body.dataset.signInFirst ?? "");
  const field = clustersField();
  if (field && !field.reportValidity()) return;
  void uploads.add(files, field ? Number(field.value) : null);
}

/**
 * @param {Event} event
 * @returns {boolean} whether files are dropped on a file field of another form, which then takes them
 */
function isForField(event) {
  const target = event.target instanceof Element ? event.target : null;
  return Boolean(target?.closest("input[type=file]") && !target.closest("form[data-upload]"));
}

/** @param {boolean} isOver whether files are dragged over the page */
function showOver(isOver) {
  document.documentElement.classList.toggle("is-over", isOver);
  document.querySelector("form[data-upload]")?.classList.toggle("is-over", isOver);
}

document.addEventListener("paste", (event) => {
  const files = [...(event.clipboardData?.files ?? [])];
  if (!files.length || event.clipboardData?.getData("text/plain")) return;
  event.preventDefault();
  uploadFiles(files);
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
  uploadFiles([...event.dataTransfer.files]);
});
