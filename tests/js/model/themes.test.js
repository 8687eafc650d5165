import assert from "node:assert/strict";
import { test } from "node:test";

import { themeAfter, themeOf } from "../../../static/js/model/themes.js";

test("the button cycles through all themes", () => {
  assert.equal(themeAfter("system"), "light");
  assert.equal(themeAfter("light"), "dark");
  assert.equal(themeAfter("dark"), "system");
});

test("any other name means the theme of the system", () => {
  assert.deepEqual(["dark", "light", "system", "pink", ""].map(themeOf), ["dark", "light", "system", "system", "system"]);
});
