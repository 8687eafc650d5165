// Viewer dialog: shows the pictures of a run at full size, with pan and zoom, and switches between them at the same position.
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
    // OpenSeadragon adds a style element, which the Content-Security-Policy forbids, unless there is one with this attribute.
    // This element has the attribute, but no effect; the rule itself is in work.css.
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

/** Dialog with its pictures. The links that open it name their picture in data-zoom. */
class Viewer {
  /**
   * @param {HTMLDialogElement} dialog
   * @param {HTMLAnchorElement[]} links
   */
  constructor(dialog, links) {
    this.dialog = dialog;
    this.links = links;
    this.stage = /** @type {HTMLElement} */ (dialog.querySelector("[data-stage-for-zoom]"));
    this.tabs = /** @type {HTMLButtonElement[]} */ (all("[data-picture]", dialog));
    this.latest = new Latest();
    /** @type {OpenSeadragon.Viewer | null} */
    this.viewer = null;
    /** @type {Map<string, OpenSeadragon.TiledImage | null>} */
    this.items = new Map();
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
    const isLatest = this.latest.start();
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
      viewer.addHandler("canvas-click", (event) => { if (event.quick) this.choosePixel(viewer.viewport.pointFromPixel(event.position)); });
      viewer.addHandler("canvas-key", (event) => { if (isEnter(event.originalEvent)) this.choosePixel(viewer.viewport.getCenter(true)); });
      this.show(picture);
    } catch {
      if (!isLatest()) return;
      this.dialog.close();
      location.assign(this.address(picture));  // the picture itself, as without JavaScript
    }
  }

  /** @param {string} picture */
  show(picture) {
    const { viewer } = this;
    if (!viewer) return;
    this.current = picture;
    for (const tab of this.tabs) tab.setAttribute("aria-pressed", String(tab.dataset.picture === picture));
    if (this.items.has(picture)) return this.showCurrent();
    this.items.set(picture, null);
    viewer.addTiledImage({
      tileSource: { type: "image", url: this.address(picture) }, opacity: 0, preload: true, x: 0, y: 0, width: 1,
      success: (event) => {
        if (this.viewer !== viewer) return;  // closed meanwhile
        this.items.set(picture, /** @type {{item: OpenSeadragon.TiledImage}} */ (/** @type {unknown} */ (event)).item);
        this.stage.removeAttribute("aria-busy");
        this.showCurrent();
      },
      error: () => {
        if (this.viewer !== viewer) return;
        this.items.delete(picture);
        this.stage.removeAttribute("aria-busy");
      },
    });
  }

  /** Show the current picture if it is loaded; otherwise the previous one stays visible. */
  showCurrent() {
    const current = this.items.get(this.current);
    if (!current) return;
    for (const item of this.items.values()) item?.setOpacity(item === current ? 1 : 0);
  }

  /**
   * Dispatch the event "pixel" on the dialog, with the coordinates of the chosen pixel.
   * @param {OpenSeadragon.Point} point in viewport coordinates
   */
  choosePixel(point) {
    const item = this.items.get(this.current);
    if (!item) return;
    const position = item.viewportToImageCoordinates(point), size = item.getContentSize();
    const x = Math.floor(position.x), y = Math.floor(position.y);
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
    this.latest.cancel();
    this.viewer?.destroy();
    this.viewer = null;
    this.items.clear();
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
    if (links.length) new Viewer(dialog, links).listen();
  }
});
