// The original lies over a segmented thumbnail from the first hover on, and is only fetched then.
import { all, onPage } from "./page.js";

onPage((root) => {
  for (const seen of /** @type {HTMLImageElement[]} */ (all("img[data-original]", root))) {
    const thumb = seen.closest(".thumb");
    const show = () => {
      if (thumb?.querySelector(".original")) return;
      const original = new Image(seen.width, seen.height);
      original.alt = "";
      original.className = "original";
      original.src = seen.dataset.original ?? "";
      original.decode().then(() => seen.after(original), () => original.remove());
    };
    thumb?.addEventListener("pointerenter", (event) => {
      if (/** @type {PointerEvent} */ (event).pointerType !== "touch") show();
    }, { once: true });
    thumb?.addEventListener("focusin", show, { once: true });
  }
});
