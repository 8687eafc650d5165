import assert from "node:assert/strict";
import { suite, test } from "node:test";

import { fileSize, fill, percent, thousands, wholePercent } from "../../../static/js/model/text.js";

const THIN = "\u202f";

suite("a sentence", () => {
  test("inserts values, also those that look like a placeholder", () => {
    assert.equal(fill("%(a)s and %(b)s, %(a)s", { a: 1, b: "%(a)s" }), "1 and %(a)s, 1");
    assert.equal(fill("100 % of %(name)s", { name: "$& $1" }), "100 % of $& $1");
    assert.equal(fill("%(n)s", { n: 0 }), "0");
  });

  test("keeps a placeholder without a value", () => assert.equal(fill("%(a)s %(b)s", { a: 1 }), "1 %(b)s"));
});

test("shares have one decimal, or none", () => {
  assert.deepEqual([0, 0.1234, 1].map((share) => percent(share)), [`0.0${THIN}%`, `12.3${THIN}%`, `100.0${THIN}%`]);
  assert.deepEqual([0, 0.1234, 0.995, 1].map(wholePercent), [`0${THIN}%`, `12${THIN}%`, `100${THIN}%`, `100${THIN}%`]);
});

test("thousands are separated", () => {
  const written = [0, 999, 1000, 12_345, 1_234_567, 1999.6].map(thousands);
  assert.deepEqual(written, ["0", "999", `1${THIN}000`, `12${THIN}345`, `1${THIN}234${THIN}567`, `2${THIN}000`]);
});

test("file sizes are in kB or MB", () => {
  const written = [0, 1, 1499, 1500, 999_999, 1_000_000, 50_000_000, 50_050_000].map(fileSize);
  assert.deepEqual(written.map((text) => text.replace(THIN, " ")), ["1 kB", "1 kB", "1 kB", "2 kB", "1000 kB", "1 MB", "50 MB", "50 MB"]);
});
