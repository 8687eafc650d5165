import assert from "node:assert/strict";
import { suite, test } from "node:test";

import { fill, numbersIn } from "../../../static/js/model/text.js";

const THIN = "\u202f";

suite("a sentence", () => {
  test("inserts values, also those that look like a placeholder", () => {
    assert.equal(fill("%(a)s and %(b)s, %(a)s", { a: 1, b: "%(a)s" }), "1 and %(a)s, 1");
    assert.equal(fill("100 % of %(name)s", { name: "$& $1" }), "100 % of $& $1");
    assert.equal(fill("%(n)s", { n: 0 }), "0");
  });

  test("keeps a placeholder without a value", () => assert.equal(fill("%(a)s %(b)s", { a: 1 }), "1 %(b)s"));
});

suite("numbers", () => {
  const english = numbersIn("en-gb"), german = numbersIn("de");

  test("of shares have one decimal, or none", () => {
    assert.deepEqual([0, 0.1234, 1].map(english.percent), [`0.0${THIN}%`, `12.3${THIN}%`, `100.0${THIN}%`]);
    assert.deepEqual([0, 0.1234, 0.995, 1].map(english.wholePercent), [`0${THIN}%`, `12${THIN}%`, `100${THIN}%`, `100${THIN}%`]);
    assert.equal(german.percent(0.1234), `12,3${THIN}%`);
  });

  test("of areas have four digits, or as many as stand before the point", () => {
    const written = [0, 0.0123456, 0.5, 12.3456, 400, 999.96, 123456.7].map(english.fourDigits);
    assert.deepEqual(written, ["0", "0.01235", "0.5", "12.35", "400", "1,000", "123,457"]);
    assert.equal(german.fourDigits(12.3456), "12,35");
  });

  test("stand in groups of three", () => {
    const counts = [0, 999, 1000, 12_345, 1_234_567, 1999.6];
    assert.deepEqual(counts.map(english.thousands), ["0", "999", "1,000", "12,345", "1,234,567", "2,000"]);
    assert.deepEqual(counts.map(german.thousands), ["0", "999", "1.000", "12.345", "1.234.567", "2.000"]);
  });

  test("of bytes are in kB, MB or GB", () => {
    const sizes = [0, 1, 1499, 1500, 999_999, 1_000_000, 50_000_000, 50_060_000, 1_234_500_000_000];
    const written = sizes.map((size) => english.fileSize(size).replace(THIN, " "));
    assert.deepEqual(written, ["0 kB", "1 kB", "1 kB", "2 kB", "1,000 kB", "1 MB", "50 MB", "50.1 MB", "1,234.5 GB"]);
    assert.equal(german.fileSize(50_060_000), `50,1${THIN}MB`);
  });
});
