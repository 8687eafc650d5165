// A link with data-ask shows the confirmation of the page that it links to in a dialog. Without JavaScript that page is opened.
import { all, onPage } from "./page.js";

/** @param {HTMLAnchorElement} link */
async function showConfirmation(link) {
  let question;
  try {
    const response = await fetch(link.href, { credentials: "same-origin" });
    if (!response.ok || response.redirected) throw new Error(String(response.status));
    question = new DOMParser().parseFromString(await response.text(), "text/html").querySelector("[data-question]");
  } catch {
    question = null;
  }
  if (!question) return location.assign(link.href);
  const dialog = document.createElement("dialog");
  dialog.className = "dialog";
  const heading = question.querySelector("h1, h2");
  if (heading) {
    const title = document.createElement("h2");
    title.id = "question-title";
    title.append(...heading.childNodes);
    heading.replaceWith(title);
    dialog.setAttribute("aria-labelledby", title.id);
  }
  dialog.append(...document.adoptNode(question).childNodes);
  document.body.append(dialog);
  for (const keep of all("[data-keep]", dialog)) {
    keep.addEventListener("click", (event) => { event.preventDefault(); dialog.close(); });
  }
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });  // the backdrop
  dialog.addEventListener("close", () => { dialog.remove(); link.focus(); });
  dialog.showModal();
}

onPage((root) => {
  for (const link of /** @type {HTMLAnchorElement[]} */ (all("a[data-ask]", root))) {
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
      event.preventDefault();
      link.closest("details[open]")?.removeAttribute("open");
      if (link.getAttribute("aria-busy") === "true") return;  // it is being fetched
      link.setAttribute("aria-busy", "true");
      void showConfirmation(link).finally(() => link.removeAttribute("aria-busy"));
    });
  }
});
