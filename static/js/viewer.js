// The pictures of a run at full size in a dialog: pan, zoom, and change between them at the same place.
import { Latest } from "./model/latest.js";
import { all, onPage } from "./page.js";

/** @import OpenSeadragon from "openseadragon" */

/** @type {Promise<typeof OpenSeadragon> | null} */
let library = null;

/**
 * @param {string} url of OpenSeadragon, which is a classic script
 * @returns {Promise<typeof OpenSeadragon>}
 */
function openSeadragon(url) {
  library ??= new Promise((resolve, reject) => {
    // It adds a style element, which the policy forbids, unless it finds one: this is none but has the name. The rule is in work.css.
    const mark = document.createElementNS(null, "style");
    mark.setAttribute("data-openseadragon-mobile-css", "true");
    document.head.append(mark);
    const script = document.createElement("script");
    script.src = url;
    script.addEventListener("load", () => resolve(/** @type {{OpenSeadragon: typeof OpenSeadragon}} */ (/** @type {unknown} */ (window)).OpenSeadragon));
    script.addEventListener("error", () => { library = null; script.remove(); reject(new Error(url)); });
    document.head.append(script);
  });
  return library;
}

/** The dialog with its pictures. Each link that opens it names its picture in data-zoom. */
class Zoom {
  /**
   * @param {HTMLDialogElement} dialog
   * @param {HTMLAnchorElement[]} links
   */
  constructor(dialog, links) {
    this.dialog = dialog;
    this.links = links;
    this.stage = /** @type {HTMLElement} */ (dialog.querySelector("[data-stage-for-zoom]"));
    this.tabs = /** @type {HTMLButtonElement[]} */ (all("[data-picture]", dialog));
    this.opened = new Latest();
    /** @type {OpenSeadragon.Viewer | null} */
    this.viewer = null;
    /** @type {Map<string, OpenSeadragon.TiledImage | null>} */
    this.shown = new Map();
    this.current = "";
  }

  listen() {
    for (const link of this.links) {
      link.addEventListener("click", (event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
        event.preventDefault();
        void this.open(link.dataset.zoom ?? "");
      });
    }
    for (const tab of this.tabs) tab.addEventListener("click", () => this.show(tab.dataset.picture ?? ""));
    for (const button of all("[data-view-action]", this.dialog)) {
      button.addEventListener("click", () => this.act(button.dataset.viewAction ?? ""));
    }
    this.dialog.addEventListener("keydown", (event) => {
      const tab = this.tabs[Number(event.key) - 1];
      if (tab && !event.ctrlKey && !event.metaKey && !event.altKey) this.show(tab.dataset.picture ?? "");
      if (["+", "=", "-", "0"].includes(event.key)) this.act({ "-": "out", "0": "fit" }[event.key] ?? "in");
    });
    this.dialog.addEventListener("close", () => this.end());
  }

  /** @param {string} picture */
  async open(picture) {
    const isLatest = this.opened.ask();
    this.dialog.showModal();
    this.stage.setAttribute("aria-busy", "true");
    try {
      const create = await openSeadragon(this.dialog.dataset.library ?? "");
      if (!isLatest()) return;  // closed meanwhile
      const viewer = create({
        element: this.stage, drawer: "canvas", showNavigationControl: false, visibilityRatio: 0.5, minZoomImageRatio: 0.8,
        maxZoomPixelRatio: 32, animationTime: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 0.24,
        gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: true }, imageSmoothingEnabled: false,
      });
      this.viewer = viewer;
      viewer.canvas.setAttribute("aria-label", this.dialog.dataset.canvasLabel ?? "");
      /** @type {HTMLElement} */ (viewer.canvas).focus();
      viewer.addHandler("canvas-click", (event) => { if (event.quick) this.choose(viewer.viewport.pointFromPixel(event.position)); });
      viewer.addHandler("canvas-key", (event) => { if (isEnter(event.originalEvent)) this.choose(viewer.viewport.getCenter(true)); });
      this.show(picture);
    } catch {
      if (!isLatest()) return;
      this.dialog.close();
      location.assign(this.address(picture));  // the picture itself, as without script
    }
  }

  /** @param {string} picture */
  show(picture) {
    const { viewer } = this;
    if (!viewer) return;
    this.current = picture;
    for (const tab of this.tabs) tab.setAttribute("aria-pressed", String(tab.dataset.picture === picture));
    if (this.shown.has(picture)) return this.raise();
    this.shown.set(picture, null);
    viewer.addTiledImage({
      tileSource: { type: "image", url: this.address(picture) }, opacity: 0, preload: true, x: 0, y: 0, width: 1,
      success: (event) => {
        if (this.viewer !== viewer) return;  // closed meanwhile
        this.shown.set(picture, /** @type {{item: OpenSeadragon.TiledImage}} */ (/** @type {unknown} */ (event)).item);
        this.stage.removeAttribute("aria-busy");
        this.raise();
      },
      error: () => {
        if (this.viewer !== viewer) return;
        this.shown.delete(picture);
        this.stage.removeAttribute("aria-busy");
      },
    });
  }

  /** The chosen picture once it is there; until then the one before stays. */
  raise() {
    const chosen = this.shown.get(this.current);
    if (!chosen) return;
    for (const item of this.shown.values()) item?.setOpacity(item === chosen ? 1 : 0);
  }

  /**
   * Tell the dialog which pixel was chosen; whoever knows something of it listens.
   * @param {OpenSeadragon.Point} point in the units of the viewer
   */
  choose(point) {
    const item = this.shown.get(this.current);
    if (!item) return;
    const place = item.viewportToImageCoordinates(point), size = item.getContentSize();
    const x = Math.floor(place.x), y = Math.floor(place.y);
    if (x < 0 || y < 0 || x >= size.x || y >= size.y) return;
    this.dialog.dispatchEvent(new CustomEvent("pixel", { detail: { x, y } }));
  }

  /** @param {string} action */
  act(action) {
    const viewport = this.viewer?.viewport;
    if (!viewport) return;
    if (action === "fit") viewport.goHome();
    else if (action === "full") viewport.zoomTo(viewport.imageToViewportZoom(1 / devicePixelRatio));
    else viewport.zoomBy(action === "in" ? 1.5 : 1 / 1.5);
    viewport.applyConstraints();
  }

  end() {
    this.opened.forget();
    this.viewer?.destroy();
    this.viewer = null;
    this.shown.clear();
    this.stage.replaceChildren();
    this.link(this.current)?.focus();
  }

  /** @param {string} picture */
  link(picture) {
    return this.links.find((link) => link.dataset.zoom === picture) ?? this.links[0];
  }

  /** @param {string} picture */
  address(picture) {
    return this.link(picture)?.href ?? "";
  }
}

/** @param {Event} event */
function isEnter(event) {
  return event instanceof KeyboardEvent && event.key === "Enter";
}

onPage((root) => {
  for (const dialog of /** @type {HTMLDialogElement[]} */ (all("dialog[data-library]", root))) {
    const links = /** @type {HTMLAnchorElement[]} */ (all("a[data-zoom]", root));
    if (links.length) new Zoom(dialog, links).listen();
  }
});
