// The table of clusters: the foreground and the colours change in the browser at once; the foreground is kept.
import { Problem, call } from "./api.js";
import { colour, load, paint } from "./labelmap.js";
import { all, notify, onPage, percent, thousands } from "./page.js";

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
    this.boxes.forEach((box, i) => { box.checked = this.saved[i]; });  // not what the browser remembers of a reload
    this.revision = Number(form.dataset.revision);
    this.apart = /** @type {HTMLInputElement | null} */ (this.page.querySelector("[data-palette]"));
    /** @type {Promise<import("./labelmap.js").LabelMap> | null} */
    this.map = null;
    /** @type {Promise<void> | null} */
    this.saving = null;
  }

  listen() {
    this.form.addEventListener("change", () => { this.showForeground(); this.save(); });
    this.form.addEventListener("submit", (event) => event.preventDefault());
    this.apart?.addEventListener("change", () => this.showPalette());
    for (const other of /** @type {HTMLFormElement[]} */ (all("form[data-after-legend]", this.page))) {
      other.addEventListener("submit", (event) => this.before(event, other));
    }
    for (const first of ["pointerenter", "focusin"]) this.form.addEventListener(first, () => this.labels(), { once: true });
    this.apart?.addEventListener("focusin", () => this.labels(), { once: true });
  }

  labels() {
    this.map ??= load(this.form.dataset.labels ?? "").catch((error) => { this.map = null; throw error; });
    this.map.catch(() => undefined);  // whoever paints looks at it
    return this.map;
  }

  showForeground() {
    const chosen = this.boxes.map((box) => box.checked), sizes = this.rows.map((row) => Number(row.dataset.pixels));
    const total = sizes.reduce((sum, n) => sum + n, 0), inside = sizes.reduce((sum, n, i) => sum + (chosen[i] ? n : 0), 0);
    const share = inside / total;
    this.page.querySelector("[data-fg-part]")?.setAttribute("width", String(share * 1000));
    for (const part of all("[data-fg-share]", this.page)) part.textContent = percent(share);
    for (const part of all("[data-fg-pixels]", this.page)) part.textContent = thousands(inside);
    const table = new Uint32Array(256).fill(0xff000000);
    chosen.forEach((yes, i) => { if (yes) table[i] = 0xffffffff; });
    this.draw("binary", table);
  }

  showPalette() {
    const apart = Boolean(this.apart?.checked);
    const colours = this.rows.map((row) => (apart ? row.dataset.separated : row.dataset.colour) ?? "");
    for (const part of all("[data-c]", this.page)) part.setAttribute("fill", colours[Number(part.dataset.c)]);
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
    const table = new Uint32Array(256);  // 254 and 255 stay transparent
    colours.forEach((hex, i) => { table[i] = colour(hex); });
    this.draw("segmented", table);
  }

  /**
   * @param {"segmented" | "binary"} name
   * @param {Uint32Array} table
   */
  async draw(name, table) {
    const latest = Symbol(name);
    this[name] = latest;
    let map;
    try {
      map = await this.labels();
    } catch {
      return;  // the server's picture stays; it is renewed when the change is saved
    }
    if (this[name] !== latest) return;
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
   * @param {Event} event
   * @param {HTMLFormElement} form
   */
  async before(event, form) {
    if (!this.saving) return;
    event.preventDefault();
    await this.saving;
    form.submit();
  }

  /** One request at a time, each with all that has changed since the last one. */
  save() {
    this.saving ??= this.keep().finally(() => { this.saving = null; });
  }

  async keep() {
    try {
      for (let changed = this.changed(); changed.length; changed = this.changed()) {
        const answer = await call("PATCH", `/runs/${this.id}/legend`, { revision: this.revision, clusters: changed });
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
        const run = await call("GET", `/runs/${this.id}`);
        this.seen(run.revision);
        for (const cluster of run.clusters) this.saved[cluster.index] = cluster.foreground;
      }
    } catch (again) {
      if (!(again instanceof Problem)) throw again;
    }
    this.boxes.forEach((box, i) => { box.checked = this.saved[i]; });
    this.showForeground();
  }
}

onPage((root) => {
  for (const form of all("form[data-legend]", root)) new Legend(/** @type {HTMLFormElement} */ (form)).listen();
});
