import assert from "node:assert/strict";
import { suite, test } from "node:test";

import { fileSize, fill, fourDigits, percent, thousands, wholePercent } from "../../../static/js/model/text.js";

const THIN = "\u202f";

suite("a sentence", () => {
  test("takes its values, text that looks like a place too", () => {
    assert.equal(fill("%(a)s and %(b)s, %(a)s", { a: 1, b: "%(a)s" }), "1 and %(a)s, 1");
    assert.equal(fill("100 % of %(name)s", { name: "$& $1" }), "100 % of $& $1");
    assert.equal(fill("%(n)s", { n: 0 }), "0");
  });

  test("keeps a place that has no value", () => assert.equal(fill("%(a)s %(b)s", { a: 1 }), "1 %(b)s"));
});

test("shares have one decimal, or none", () => {
  assert.deepEqual([0, 0.1234, 1].map((share) => percent(share)), [`0.0${THIN}%`, `12.3${THIN}%`, `100.0${THIN}%`]);
  assert.deepEqual([0, 0.1234, 0.995, 1].map(wholePercent), [`0${THIN}%`, `12${THIN}%`, `100${THIN}%`, `100${THIN}%`]);
});

test("areas have four digits, or as many as stand before the point", () => {
  const written = [0, 0.0123456, 0.5, 12.3456, 400, 999.96, 123456.7].map((value) => fourDigits(value, "en"));
  assert.deepEqual(written, ["0", "0.01235", "0.5", "12.35", "400", "1000", `123${THIN}457`]);
});

test("thousands stand apart", () => {
  const written = [0, 999, 1000, 12_345, 1_234_567, 1999.6].map(thousands);
  assert.deepEqual(written, ["0", "999", `1${THIN}000`, `12${THIN}345`, `1${THIN}234${THIN}567`, `2${THIN}000`]);
});

test("sizes of files are in kB or MB", () => {
  const written = [0, 1, 1499, 1500, 999_999, 1_000_000, 50_000_000, 50_050_000].map(fileSize);
  assert.deepEqual(written.map((text) => text.replace(THIN, " ")), ["1 kB", "1 kB", "1 kB", "2 kB", "1000 kB", "1 MB", "50 MB", "50 MB"]);
});
