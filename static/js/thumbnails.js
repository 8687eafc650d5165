// Shows the original over a segmented thumbnail while the pointer is over it or it has the focus; fetches it at the first time.
import { all, onPage } from "./page.js";

onPage((root) => {
  for (const segmented of /** @type {HTMLImageElement[]} */ (all("img[data-original]", root))) {
    const thumb = segmented.closest(".thumb");
    const show = () => {
      if (thumb?.querySelector(".original")) return;
      const original = new Image(segmented.width, segmented.height);
      original.alt = "";
      original.className = "original";
      original.src = segmented.dataset.original ?? "";
      original.decode().then(() => segmented.after(original), () => original.remove());
    };
    thumb?.addEventListener("pointerenter", (event) => {
      if (/** @type {PointerEvent} */ (event).pointerType !== "touch") show();
    }, { once: true });
    thumb?.addEventListener("focusin", show, { once: true });
  }
});
