import assert from "node:assert/strict";
import { suite, test } from "node:test";

import { pauseAfterAnswer, pauseAfterTrouble } from "../../../static/js/model/polling.js";

suite("a page that watches a run", () => {
  for (const [passed, isFar, isHidden, pause] of /** @type {[number, boolean, boolean, number][]} */ ([
    [0, false, false, 100], [1499, false, false, 100], [1500, false, false, 250], [14_999, false, false, 250],
    [15_000, false, false, 1000], [5000, true, false, 1000], [0, true, false, 100], [0, false, true, 2000], [20_000, true, true, 2000],
  ])) {
    test(`asks again in ${pause} ms after ${passed} ms${isFar ? ", far behind" : ""}${isHidden ? ", hidden" : ""}`, () => {
      assert.equal(pauseAfterAnswer({ passed, isFar, isHidden }), pause);
    });
  }

  test("leaves a server alone that is in trouble, and as long as it asks for", () => {
    assert.deepEqual([0, 1, 10, 60].map((seconds) => pauseAfterTrouble(seconds)), [4000, 4000, 10_000, 60_000]);
  });
});
