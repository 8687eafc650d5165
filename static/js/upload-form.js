// Upload form of the start page: its button opens the file dialog, and chosen files are uploaded at once.
import { all, onPage } from "./page.js";
import { uploadFiles } from "./uploads.js";

/** @param {HTMLFormElement} form */
function listen(form) {
  const field = /** @type {HTMLInputElement} */ (form.elements.namedItem("image"));
  const send = () => {
    const files = [...(field.files ?? [])];
    field.value = "";
    uploadFiles(files);
  };
  field.multiple = true;  // without JavaScript the form sends one file
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
