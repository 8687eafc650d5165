// What the server says at the lower edge of the window leaves by itself, as what the page says there does.
import { all, leaveSoon, onPage } from "./page.js";

onPage((root) => {
  for (const toast of all(".toast[data-leaves]", root)) leaveSoon(toast);
});
