import assert from "node:assert/strict";
import { suite, test } from "node:test";

import { InTurn, refusalOf } from "../../../static/js/model/uploads.js";

test("a file is sent up to the limit and not a byte beyond it", () => {
  assert.equal(refusalOf({ size: 1000 }, 1000), null);
  assert.equal(refusalOf({ size: 1001 }, 1000), "too large");
});

suite("work that is done in turn", () => {
  test("begins when the piece before it has ended, in the order in which it came", async () => {
    const turns = new InTurn(), { promise, resolve } = Promise.withResolvers();
    /** @type {string[]} */
    const seen = [];
    const done = turns.add(async () => { seen.push("a"); await promise; seen.push("a ends"); }, () => Promise.resolve(seen.push("b")));
    await turns.add(() => Promise.resolve(seen.push("c")));
    assert.deepEqual(seen, ["a"]);
    assert.equal(turns.isBusy, true);
    resolve(undefined);
    await done;
    assert.deepEqual(seen, ["a", "a ends", "b", "c"]);
    assert.equal(turns.isBusy, false);
  });

  test("goes on after a piece that failed, and tells of the failure at the end", async () => {
    const turns = new InTurn();
    /** @type {string[]} */
    const seen = [];
    await assert.rejects(turns.add(() => Promise.reject(new Error("broken")), () => Promise.resolve(seen.push("b"))), /broken/);
    assert.deepEqual(seen, ["b"]);
    assert.equal(turns.isBusy, false);
    await turns.add(() => Promise.resolve(seen.push("c")));
    assert.deepEqual(seen, ["b", "c"]);
  });
});
