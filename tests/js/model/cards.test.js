import assert from "node:assert/strict";
import { suite, test } from "node:test";

import { ended, goingOn, tabTitle } from "../../../static/js/model/cards.js";

/** @param {Record<string, string>} states of runs by their id */
function cards(states) {
  return Object.entries(states).map(([id, state]) => ({ id, state, name: `${id}.png` }));
}

test("runs that wait or work go on", () => {
  const all = cards({ a: "queued", b: "running", c: "succeeded", d: "failed", e: "cancelled", f: "" });
  assert.deepEqual(goingOn(all).map(({ id }) => id), ["a", "b"]);
});

suite("runs that have ended", () => {
  test("are those that went on before", () => {
    const before = cards({ a: "queued", b: "running", c: "succeeded", d: "running" });
    const now = cards({ a: "running", b: "succeeded", c: "succeeded", d: "failed", e: "succeeded" });
    assert.deepEqual(ended(before, now), [{ id: "b", name: "b.png", state: "succeeded" }, { id: "d", name: "d.png", state: "failed" }]);
  });

  test("are not those that are not there any more", () => assert.deepEqual(ended(cards({ a: "running" }), []), []));
});

test("the title of the tab says what ended, what goes on, and what the page is", () => {
  assert.equal(tabTitle("History", "", []), "History");
  assert.equal(tabTitle("History", "Running: 2", []), "Running: 2 · History");
  assert.equal(tabTitle("History", "Running: 1", ["a ended", "b ended"]), "b ended · Running: 1 · History");
});
