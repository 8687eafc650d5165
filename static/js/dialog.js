// A link with data-ask opens the question of the page behind it as a dialog; without script that page asks.
import { all, onPage } from "./page.js";

/** @param {HTMLAnchorElement} link */
async function ask(link) {
  let question;
  try {
    const answer = await fetch(link.href, { credentials: "same-origin" });
    if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
    question = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-question]");
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
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });  // the veil around it
  dialog.addEventListener("close", () => { dialog.remove(); link.focus(); });
  dialog.showModal();
}

onPage((root) => {
  for (const link of /** @type {HTMLAnchorElement[]} */ (all("a[data-ask]", root))) {
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
      event.preventDefault();
      link.closest("details[open]")?.removeAttribute("open");
      if (link.getAttribute("aria-busy") === "true") return;  // its question is on its way
      link.setAttribute("aria-busy", "true");
      void ask(link).finally(() => link.removeAttribute("aria-busy"));
    });
  }
});
