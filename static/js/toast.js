// Removes the toasts of the server after some seconds.
import { all, onPage, removeLater } from "./page.js";

onPage((root) => {
  for (const toast of all(".toast[data-temporary]", root)) removeLater(toast);
});
