import assert from "node:assert/strict";
import { test } from "node:test";

import { refusalOf } from "../../../static/js/model/uploads.js";

test("a file is sent up to the limit and not a byte beyond it", () => {
  assert.equal(refusalOf([{ size: 1000 }], 1000), null);
  assert.equal(refusalOf([{ size: 1001 }], 1000), "too large");
});

test("several files are refused whatever their size, and none is nothing to send", () => {
  assert.equal(refusalOf([{ size: 1 }, { size: 5000 }], 1000), "several");
  assert.equal(refusalOf([{ size: 5000 }, { size: 1 }], 1000), "several");
  assert.equal(refusalOf([], 1000), "none");
});
