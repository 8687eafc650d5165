import assert from "node:assert/strict";
import { suite, test } from "node:test";

import { endedRuns, activeRuns, tabTitle } from "../../../static/js/model/cards.js";

/** @param {Record<string, string>} states of runs by their id */
function cards(states) {
  return Object.entries(states).map(([id, state]) => ({ id, state, name: `${id}.png` }));
}

test("waiting and running runs are active", () => {
  const all = cards({ a: "queued", b: "running", c: "succeeded", d: "failed", e: "cancelled", f: "" });
  assert.deepEqual(activeRuns(all).map(({ id }) => id), ["a", "b"]);
});

suite("runs that have ended", () => {
  test("were active before", () => {
    const before = cards({ a: "queued", b: "running", c: "succeeded", d: "running" });
    const now = cards({ a: "running", b: "succeeded", c: "succeeded", d: "failed", e: "succeeded" });
    assert.deepEqual(endedRuns(before, now), [{ id: "b", name: "b.png", state: "succeeded" }, { id: "d", name: "d.png", state: "failed" }]);
  });

  test("do not include deleted runs", () => assert.deepEqual(endedRuns(cards({ a: "running" }), []), []));
});

test("the title of the tab has the last message, the active runs and the title of the page", () => {
  assert.equal(tabTitle("History", "", []), "History");
  assert.equal(tabTitle("History", "Running: 2", []), "Running: 2 · History");
  assert.equal(tabTitle("History", "Running: 1", ["a endedRuns", "b endedRuns"]), "b endedRuns · Running: 1 · History");
});
