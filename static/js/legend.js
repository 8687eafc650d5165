// The table of clusters: the foreground and the colours change in the browser at once; the foreground is kept.
import { Problem, readRun, saveForeground } from "./api.js";
import { load, paint } from "./labelmap.js";
import { foregroundTable, paletteTable } from "./model/colours.js";
import { Latest } from "./model/latest.js";
import { foregroundOf } from "./model/numbers.js";
import { fourDigits, percent, thousands } from "./model/text.js";
import { all, notify, onPage } from "./page.js";

/** @import { ClusterOut } from "./api.js" */
/** @import { LabelMap } from "./model/colours.js" */

/** The clusters of one finished run. */
class Legend {
  /** @param {HTMLFormElement} form */
  constructor(form) {
    this.form = form;
    this.page = /** @type {HTMLElement} */ (form.closest("main"));
    this.id = form.dataset.legend ?? "";
    this.rows = all("tr[data-pixels]", form);
    this.boxes = /** @type {HTMLInputElement[]} */ (all("input[name=foreground]", form));
    this.saved = this.boxes.map((box) => box.defaultChecked);
    this.showSaved();  // not what the browser remembers of a reload
    this.revision = Number(form.dataset.revision);
    this.apart = /** @type {HTMLInputElement | null} */ (this.page.querySelector("[data-palette]"));
    this.drawing = { binary: new Latest(), segmented: new Latest() };
    /** @type {Promise<LabelMap> | null} */
    this.map = null;
    /** @type {Promise<void> | null} */
    this.saving = null;
  }

  listen() {
    this.form.addEventListener("change", () => { this.showForeground(); this.save(); });
    this.form.addEventListener("submit", (event) => event.preventDefault());
    this.apart?.addEventListener("change", () => this.showPalette());
    for (const other of /** @type {HTMLFormElement[]} */ (all("form[data-after-legend]", this.page))) {
      other.addEventListener("submit", (event) => void this.before(event, other));
    }
    for (const first of ["pointerenter", "focusin"]) this.form.addEventListener(first, () => void this.labels(), { once: true });
    this.apart?.addEventListener("focusin", () => void this.labels(), { once: true });
  }

  labels() {
    this.map ??= load(this.form.dataset.labels ?? "").catch((error) => { this.map = null; throw error; });
    this.map.catch(() => undefined);  // whoever paints looks at it
    return this.map;
  }

  showForeground() {
    const chosen = this.boxes.map((box) => box.checked);
    const { pixels, share } = foregroundOf(chosen, this.rows.map((row) => Number(row.dataset.pixels)));
    this.page.querySelector("[data-fg-part]")?.setAttribute("width", String(share * 1000));
    for (const part of all("[data-fg-share]", this.page)) part.textContent = percent(share, document.documentElement.lang);
    for (const part of all("[data-fg-pixels]", this.page)) part.textContent = thousands(pixels);
    const area = this.rows.reduce((sum, row, i) => sum + (chosen[i] ? Number(row.dataset.area) : 0), 0);
    for (const part of all("[data-fg-area]", this.page)) part.textContent = fourDigits(area, document.documentElement.lang);
    void this.draw("binary", foregroundTable(chosen));
  }

  showPalette() {
    const apart = Boolean(this.apart?.checked);
    const colours = this.rows.map((row) => (apart ? row.dataset.separated : row.dataset.colour) ?? "");
    for (const part of all("[data-c]", this.page)) part.setAttribute("fill", colours[Number(part.dataset.c)] ?? "none");
    for (const link of /** @type {HTMLAnchorElement[]} */ (all("a[data-follows-palette]", this.page))) {
      const url = new URL(link.href);
      if (apart) url.searchParams.set("palette", "separated");
      else url.searchParams.delete("palette");
      link.href = url.href;
    }
    const here = new URL(location.href);
    if (apart) here.searchParams.set("palette", "separated");
    else here.searchParams.delete("palette");
    history.replaceState(history.state, "", here);
    void this.draw("segmented", paletteTable(colours));
  }

  /**
   * @param {"segmented" | "binary"} name
   * @param {Uint32Array} table
   */
  async draw(name, table) {
    const isLatest = this.drawing[name].ask();
    let map;
    try {
      map = await this.labels();
    } catch {
      return;  // the server's picture stays; it is renewed when the change is saved
    }
    if (!isLatest()) return;
    const shown = this.page.querySelector(`[data-drawn=${name}]`);
    if (shown instanceof HTMLCanvasElement) return paint(map, shown, table);
    if (!(shown instanceof HTMLImageElement)) return;
    const canvas = document.createElement("canvas");
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", shown.alt);
    canvas.className = shown.className;
    canvas.dataset.drawn = name;
    paint(map, canvas, table);
    shown.replaceWith(canvas);
  }

  /**
   * Another form edits the legend, too: it goes after what is on its way, and says the revision that it has led to.
   * @param {SubmitEvent} event
   * @param {HTMLFormElement} form
   */
  async before(event, form) {
    if (!this.saving) return;
    event.preventDefault();
    await this.saving;
    form.requestSubmit(event.submitter);
  }

  /** One request at a time, each with all that has changed since the last one. */
  save() {
    this.saving ??= this.keep().finally(() => { this.saving = null; });
  }

  async keep() {
    try {
      for (let changed = this.changed(); changed.length; changed = this.changed()) {
        const answer = await saveForeground(this.id, this.revision, changed);
        for (const { index, foreground } of changed) this.saved[index] = foreground;
        this.seen(answer.revision);
        for (const undo of all("[data-undo]", this.page)) undo.hidden = false;
      }
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      await this.recover(problem);
    }
  }

  /** @param {number} revision that all forms of this page start from */
  seen(revision) {
    this.revision = revision;
    for (const field of /** @type {HTMLInputElement[]} */ (all("input[name=revision]", this.page))) field.value = String(revision);
  }

  showSaved() {
    this.boxes.forEach((box, i) => { box.checked = this.saved[i] ?? false; });
  }

  /** @returns {ClusterOut[]} */
  changed() {
    return this.boxes.flatMap((box, index) => (box.checked === this.saved[index] ? [] : [{ index, foreground: box.checked }]));
  }

  /**
   * Show what the server has, and say why.
   * @param {Problem} problem
   */
  async recover(problem) {
    notify(problem.message || (this.form.dataset.notSaved ?? ""));
    try {
      if (problem.status === 409) {
        const run = await readRun(this.id);
        this.seen(run.revision);
        for (const cluster of run.clusters) this.saved[cluster.index] = cluster.foreground;
      }
    } catch (again) {
      if (!(again instanceof Problem)) throw again;
    }
    this.showSaved();
    this.showForeground();
  }
}

onPage((root) => {
  for (const form of all("form[data-legend]", root)) new Legend(/** @type {HTMLFormElement} */ (form)).listen();
});
