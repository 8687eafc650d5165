import assert from "node:assert/strict";
import { suite, test } from "node:test";

import { intervalAfterResponse, intervalAfterError } from "../../../static/js/model/polling.js";

suite("a page that polls a run", () => {
  for (const [elapsed, isFarBack, isHidden, pause] of /** @type {[number, boolean, boolean, number][]} */ ([
    [0, false, false, 100], [1499, false, false, 100], [1500, false, false, 250], [14_999, false, false, 250],
    [15_000, false, false, 1000], [5000, true, false, 1000], [0, true, false, 100], [0, false, true, 2000], [20_000, true, true, 2000],
  ])) {
    test(`polls in ${pause} ms after ${elapsed} ms${isFarBack ? ", far back in the queue" : ""}${isHidden ? ", hidden" : ""}`, () => {
      assert.equal(intervalAfterResponse({ elapsed, isFarBack, isHidden }), pause);
    });
  }

  test("waits longer after an error, and as long as Retry-After says", () => {
    assert.deepEqual([0, 1, 10, 60].map((seconds) => intervalAfterError(seconds)), [4000, 4000, 10_000, 60_000]);
  });
});
