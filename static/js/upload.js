// Start: a picture is dropped anywhere, pasted or chosen; it is sent with a progress bar and its run is opened.
import { Problem, startRun, upload } from "./api.js";
import { fileSize, fill, wholePercent } from "./model/text.js";
import { refusalOf } from "./model/uploads.js";
import { all, announce, onPage } from "./page.js";

/** One upload form. Its sentences stand in its data attributes, translated by the server. */
class Drop {
  /** @param {HTMLFormElement} form */
  constructor(form) {
    this.form = form;
    this.words = form.dataset;
    this.file = /** @type {HTMLInputElement} */ (form.elements.namedItem("image"));
    this.clusters = /** @type {HTMLInputElement} */ (form.elements.namedItem("n_clusters"));
    this.idle = /** @type {HTMLElement} */ (form.querySelector("[data-idle]"));
    this.busy = /** @type {HTMLElement} */ (form.querySelector("[data-busy]"));
    this.progress = /** @type {HTMLProgressElement} */ (form.querySelector("progress"));
    /** @type {AbortController | null} */
    this.sending = null;
  }

  listen() {
    this.file.addEventListener("change", () => this.take([...(this.file.files ?? [])]));
    this.form.addEventListener("submit", (event) => {
      if (/** @type {SubmitEvent} */ (event).submitter?.hasAttribute("formaction")) return;  // a sample
      event.preventDefault();
      const chosen = [...(this.file.files ?? [])];
      if (chosen.length && !this.sending) this.take(chosen);
      else if (!this.sending) this.file.click();
    });
    this.form.querySelector("[data-stop]")?.addEventListener("click", () => this.sending?.abort());
    document.addEventListener("paste", (event) => {
      const files = [...(event.clipboardData?.files ?? [])];
      if (files.length) { event.preventDefault(); this.take(files); }
    });
    document.addEventListener("dragover", (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      this.form.classList.add("is-over");
    });
    document.addEventListener("dragleave", (event) => {
      if (!event.relatedTarget) this.form.classList.remove("is-over");
    });
    document.addEventListener("drop", (event) => {
      this.form.classList.remove("is-over");
      const files = [...(event.dataTransfer?.files ?? [])];
      if (files.length) { event.preventDefault(); this.take(files); }
    });
    window.addEventListener("pageshow", (event) => { if (event.persisted) this.rest(); });
  }

  /** @param {File[]} files */
  take(files) {
    if (this.sending || !this.clusters.reportValidity()) return;
    const [file] = files, limit = Number(this.words.maxBytes), refusal = refusalOf(files, limit);
    if (!file) return;
    if (refusal === "several") this.refuse(fill(this.words.several ?? "", { count: files.length }), this.words.oneByOne ?? "");
    else if (refusal === "too large") this.refuseFile(file, fill(this.words.tooLarge ?? "", { size: fileSize(file.size), limit: fileSize(limit) }));
    else void this.send(file);
  }

  /** @param {File} file */
  async send(file) {
    this.sending = new AbortController();
    this.work(file.name, this.words.uploading ?? "", 0);
    let image;
    try {
      image = await upload(file, (fraction) => this.sent(file.name, fraction), this.sending.signal);
      this.work(file.name, this.words.starting ?? "", 1);
      const run = await startRun(image.id, Number(this.clusters.value));
      location.assign((this.words.runUrl ?? "").replace(this.words.anyId ?? "", run.id));
    } catch (problem) {
      this.rest();
      if (!(problem instanceof Problem)) throw problem;
      if (problem.code === "aborted") return announce(this.words.stopped ?? "");
      if (image) return this.refuse(fill(this.words.notStarted ?? "", { name: file.name }), problem.message || (this.words.noAnswer ?? ""));
      this.refuseFile(file, problem.message || (this.words.noAnswer ?? ""));
    }
  }

  /**
   * @param {string} name
   * @param {number} fraction of the bytes that have left
   */
  sent(name, fraction) {
    const stage = fraction < 1 ? fill(this.words.uploadingPart ?? "", { percent: wholePercent(fraction) }) : this.words.checking;
    this.work(name, stage ?? "", fraction);
  }

  /**
   * @param {string} name
   * @param {string} stage
   * @param {number} fraction
   */
  work(name, stage, fraction) {
    if (this.busy.hidden) {
      this.form.style.setProperty("min-height", `${this.form.offsetHeight}px`);  // nothing below moves
      this.idle.hidden = true;
      this.busy.hidden = false;
      document.querySelector("[data-notices]")?.replaceChildren();
      /** @type {HTMLElement | null} */ (this.busy.querySelector("[data-stop]"))?.focus();
    }
    /** @type {HTMLElement} */ (this.busy.querySelector("[data-name]")).textContent = name;
    /** @type {HTMLElement} */ (this.busy.querySelector("[data-stage]")).textContent = stage;
    this.progress.value = fraction * 100;
    document.title = `${fraction < 1 ? `${wholePercent(fraction)} ` : ""}${name} · ${this.words.site}`;
  }

  rest() {
    this.sending = null;
    this.form.reset();
    this.busy.hidden = true;
    this.idle.hidden = false;
    this.form.style.removeProperty("min-height");
    document.title = this.words.title ?? document.title;
    /** @type {HTMLElement | null} */ (this.form.querySelector("[data-browse]"))?.focus();
  }

  /**
   * @param {File} file
   * @param {string} sentence
   */
  refuseFile(file, sentence) {
    this.refuse(fill(this.words.refused ?? "", { name: file.name }), `${sentence} ${this.words.nothing}`);
  }

  /**
   * @param {string} heading
   * @param {string} sentence
   */
  refuse(heading, sentence) {
    this.file.value = "";
    const template = /** @type {HTMLTemplateElement} */ (document.querySelector("template[data-notice]"));
    const notice = /** @type {DocumentFragment} */ (template.content.cloneNode(true));
    /** @type {HTMLElement} */ (notice.querySelector("h2")).textContent = heading;
    /** @type {HTMLElement} */ (notice.querySelector("p")).textContent = sentence;
    const place = document.querySelector("[data-notices]");
    place?.replaceChildren(notice);
    place?.scrollIntoView({ block: "nearest" });
  }
}

onPage((root) => {
  for (const form of all("form[data-upload]", root)) new Drop(/** @type {HTMLFormElement} */ (form)).listen();
});
