// Start: the button of the form opens the choice of files, and what is chosen is sent at once.
import { all, onPage } from "./page.js";
import { take } from "./uploads.js";

/** @param {HTMLFormElement} form */
function listen(form) {
  const field = /** @type {HTMLInputElement} */ (form.elements.namedItem("image"));
  const send = () => {
    const files = [...(field.files ?? [])];
    field.value = "";
    take(files);
  };
  field.multiple = true;  // without script one file goes with the form
  field.addEventListener("change", send);
  form.addEventListener("submit", (event) => {
    if (event.submitter?.hasAttribute("formaction")) return;  // a sample
    event.preventDefault();
    if (field.files?.length) send();
    else field.click();
  });
}

onPage((root) => {
  for (const form of /** @type {HTMLFormElement[]} */ (all("form[data-upload]", root))) listen(form);
});
