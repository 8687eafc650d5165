// Table of clusters: changes of foreground and palette are shown at once, and the foreground is saved on the server.
import { Problem, readRun, saveForeground } from "./api.js";
import { load, paint } from "./labelmap.js";
import { foregroundTable, paletteTable } from "./model/colours.js";
import { Latest } from "./model/latest.js";
import { foregroundOf } from "./model/numbers.js";
import { fill } from "./model/text.js";
import { all, notify, numbers, onPage } from "./page.js";

/** @import { ClusterOut, CoverageOut } from "./api.js" */
/** @import { LabelMap } from "./model/colours.js" */

/** Form with the clusters of a finished run. */
class LegendForm {
  /** @param {HTMLFormElement} form */
  constructor(form) {
    this.form = form;
    this.page = /** @type {HTMLElement} */ (form.closest("main"));
    this.id = form.dataset.legend ?? "";
    this.rows = all("tr[data-pixels]", form);
    this.boxes = /** @type {HTMLInputElement[]} */ (all("input[name=foreground]", form));
    this.saved = this.boxes.map((box) => box.defaultChecked);
    this.range = this.page.querySelector("[data-fg-range]")?.textContent ?? "";
    this.showSaved();  // browsers may restore other values after a reload
    this.revision = Number(form.dataset.revision);
    this.paletteBox = /** @type {HTMLInputElement | null} */ (this.page.querySelector("[data-palette]"));
    this.latest = { binary: new Latest(), segmented: new Latest() };
    /** @type {Promise<LabelMap> | null} */
    this.map = null;
    /** @type {Promise<void> | null} */
    this.saving = null;
  }

  listen() {
    this.form.addEventListener("change", () => { this.showForeground(); this.save(); });
    this.form.addEventListener("submit", (event) => event.preventDefault());
    this.paletteBox?.addEventListener("change", () => this.showPalette());
    for (const other of /** @type {HTMLFormElement[]} */ (all("form[data-after-legend]", this.page))) {
      other.addEventListener("submit", (event) => void this.submitAfterSaving(event, other));
    }
    for (const first of ["pointerenter", "focusin"]) this.form.addEventListener(first, () => void this.loadLabels(), { once: true });
    this.paletteBox?.addEventListener("focusin", () => void this.loadLabels(), { once: true });
  }

  /** @returns {Promise<LabelMap>} the label map, which is fetched once */
  loadLabels() {
    this.map ??= load(this.form.dataset.labels ?? "").catch((error) => { this.map = null; throw error; });
    this.map.catch(() => undefined);  // handled where the map is painted
    return this.map;
  }

  showForeground() {
    const chosen = this.boxes.map((box) => box.checked);
    const { pixels, share } = foregroundOf(chosen, this.rows.map((row) => Number(row.dataset.pixels)));
    this.page.querySelector("[data-fg-part]")?.setAttribute("width", String(share * 1000));
    for (const part of all("[data-fg-share]", this.page)) part.textContent = numbers.percent(share);
    for (const part of all("[data-fg-pixels]", this.page)) part.textContent = numbers.thousands(pixels);
    // Areas by coverage add up; their range follows from the server, because it depends on the borders inside the foreground.
    const covered = this.rows.reduce((sum, row, i) => sum + (chosen[i] ? Number(row.dataset.coverage) : 0), 0);
    for (const part of all("[data-fg-coverage]", this.page)) part.textContent = numbers.percent(covered);
    for (const part of all("[data-fg-range]", this.page)) part.textContent = "…";
    const area = this.rows.reduce((sum, row, i) => sum + (chosen[i] ? Number(row.dataset.area) : 0), 0);
    for (const part of all("[data-fg-area]", this.page)) part.textContent = numbers.fourDigits(area);
    void this.draw("binary", foregroundTable(chosen));
  }

  /** @param {CoverageOut | null} area of the foreground, as the server has saved it */
  showRange(area) {
    if (area) this.range = fill(this.form.dataset.range ?? "", { low: numbers.percentage(area.low), high: numbers.percent(area.high) });
    for (const part of all("[data-fg-range]", this.page)) part.textContent = this.range;
  }

  showPalette() {
    const isSeparated = Boolean(this.paletteBox?.checked);
    const colours = this.rows.map((row) => (isSeparated ? row.dataset.separated : row.dataset.colour) ?? "");
    for (const part of all("[data-c]", this.page)) part.setAttribute("fill", colours[Number(part.dataset.c)] ?? "none");
    for (const link of /** @type {HTMLAnchorElement[]} */ (all("a[data-follows-palette]", this.page))) {
      const url = new URL(link.href);
      if (isSeparated) url.searchParams.set("palette", "separated");
      else url.searchParams.delete("palette");
      link.href = url.href;
    }
    const here = new URL(location.href);
    if (isSeparated) here.searchParams.set("palette", "separated");
    else here.searchParams.delete("palette");
    history.replaceState(history.state, "", here);
    void this.draw("segmented", paletteTable(colours));
  }

  /**
   * Replace the picture of the server by a canvas with the label map in other colours.
   * @param {"segmented" | "binary"} name
   * @param {Uint32Array} table
   */
  async draw(name, table) {
    const isLatest = this.latest[name].start();
    let map;
    try {
      map = await this.loadLabels();
    } catch {
      return;  // the picture of the server stays until the page is loaded again
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
   * Submit another form that edits the legend after the current changes are saved, so that it sends the new revision.
   * @param {SubmitEvent} event
   * @param {HTMLFormElement} form
   */
  async submitAfterSaving(event, form) {
    if (!this.saving) return;
    event.preventDefault();
    await this.saving;
    form.requestSubmit(event.submitter);
  }

  /** Save all changes. There is one request at a time, with the changes since the last one. */
  save() {
    this.saving ??= this.sendChanges().finally(() => { this.saving = null; });
  }

  async sendChanges() {
    try {
      for (let changed = this.changed(); changed.length; changed = this.changed()) {
        const run = await saveForeground(this.id, this.revision, changed);
        for (const { index, foreground } of changed) this.saved[index] = foreground;
        this.setRevision(run.revision);
        this.showRange(run.foreground_coverage);
        for (const undo of all("[data-undo]", this.page)) undo.hidden = false;
      }
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      await this.recover(problem);
    }
  }

  /** @param {number} revision for all forms of this page */
  setRevision(revision) {
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
   * Show the error message and the state on the server.
   * @param {Problem} problem
   */
  async recover(problem) {
    let area = null;
    notify(problem.message || (this.form.dataset.notSaved ?? ""));
    try {
      if (problem.status === 409) {
        const run = await readRun(this.id);
        this.setRevision(run.revision);
        for (const cluster of run.clusters) this.saved[cluster.index] = cluster.foreground;
        area = run.foreground_coverage;
      }
    } catch (again) {
      if (!(again instanceof Problem)) throw again;
    }
    this.showSaved();
    this.showForeground();
    this.showRange(area);
  }
}

onPage((root) => {
  for (const form of all("form[data-legend]", root)) new LegendForm(/** @type {HTMLFormElement} */ (form)).listen();
});
