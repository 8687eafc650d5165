import assert from "node:assert/strict";
import { suite, test } from "node:test";

import { clamped, foregroundOf, mostProbable, partOf } from "../../../static/js/model/numbers.js";

suite("a number field from 2 to 32", () => {
  for (const [typed, value] of /** @type {[string, number][]} */ ([
    ["2", 2], ["32", 32], ["17", 17], ["1", 2], ["33", 32], ["0", 2], ["-4", 2], ["99", 32], ["4.4", 4], ["4.5", 5], ["", 2],
    [" ", 2], ["seven", 2], ["1e3", 32], ["1e999", 32], ["-1e999", 2], [" 7 ", 7],
  ])) {
    test(`makes ${value} of "${typed}"`, () => assert.equal(clamped(typed, 2, 32), value));
  }
});

test("a field whose range starts below 0 accepts 0", () => {
  assert.equal(clamped("0", -5, 5), 0);
  assert.equal(clamped("", -5, 5), -5);
});

test("a slider is filled up to its thumb", () => {
  assert.deepEqual([2, 8, 17, 32].map((value) => partOf(value, 2, 32)), [0, 0.2, 0.5, 1]);
  assert.deepEqual([1, 33].map((value) => partOf(value, 2, 32)), [0, 1]);
  assert.equal(partOf(5, 5, 5), 0);
});

suite("the foreground", () => {
  const sizes = [10, 20, 70];
  for (const [chosen, pixels, share] of /** @type {[boolean[], number, number][]} */ ([
    [[true, false, false], 10, 0.1], [[false, true, true], 90, 0.9], [[false, false, false], 0, 0], [[true, true, true], 100, 1],
  ])) {
    test(`of ${chosen.join(", ")} has ${pixels} pixels`, () => assert.deepEqual(foregroundOf(chosen, sizes), { pixels, share }));
  }

  test("of an empty picture has the share 0", () => assert.deepEqual(foregroundOf([true], [0]), { pixels: 0, share: 0 }));
});

suite("the clusters of a pixel", () => {
  test("are sorted by probability and limited in number", () => {
    const named = mostProbable([0.1, 0.4, 0.2, 0.3], 3);
    assert.deepEqual(named.map(({ index }) => index), [1, 3, 2]);
    assert.deepEqual(named.map(({ probability }) => probability), [0.4, 0.3, 0.2]);
  });

  test("have at least half a per cent, except the first", () => {
    assert.deepEqual(mostProbable([0.004, 0.991, 0.005], 3).map(({ index }) => index), [1, 2]);
    assert.deepEqual(mostProbable([0.001, 0.002], 3).map(({ index }) => index), [1]);
    assert.deepEqual(mostProbable([], 3), []);
  });
});
