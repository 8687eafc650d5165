import assert from "node:assert/strict";
import { suite, test } from "node:test";

import { TaskQueue, checkFile } from "../../../static/js/model/uploads.js";

test("a file may have the size of the limit, but not one byte more", () => {
  assert.equal(checkFile({ size: 1000 }, 1000), null);
  assert.equal(checkFile({ size: 1001 }, 1000), "too large");
});

suite("a queue of tasks", () => {
  test("starts when the previous one has ended, in order", async () => {
    const turns = new TaskQueue(), { promise, resolve } = Promise.withResolvers();
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

  test("continues after a failure, which is thrown at the end", async () => {
    const turns = new TaskQueue();
    /** @type {string[]} */
    const seen = [];
    await assert.rejects(turns.add(() => Promise.reject(new Error("broken")), () => Promise.resolve(seen.push("b"))), /broken/);
    assert.deepEqual(seen, ["b"]);
    assert.equal(turns.isBusy, false);
    await turns.add(() => Promise.resolve(seen.push("c")));
    assert.deepEqual(seen, ["b", "c"]);
  });
});
