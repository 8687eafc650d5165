import assert from "node:assert/strict";
import { suite, test } from "node:test";

import { Latest, OneAtATime } from "../../../static/js/model/latest.js";

suite("of questions whose answers come in any order", () => {
  test("only the last one counts", () => {
    const asked = new Latest();
    const first = asked.ask();
    assert.equal(first(), true);
    const second = asked.ask();
    assert.deepEqual([first(), second(), second()], [false, true, true]);
  });

  test("none counts once they are forgotten", () => {
    const asked = new Latest();
    const first = asked.ask();
    asked.forget();
    assert.equal(first(), false);
    assert.equal(asked.ask()(), true);
  });

  test("those of another kind are no concern", () => {
    const one = new Latest(), other = new Latest();
    const first = one.ask();
    other.ask();
    assert.equal(first(), true);
  });
});

/** Sends values and answers when told to. */
class Sender {
  /** @type {{value: string, answer: () => void, fail: () => void}[]} */
  sent = [];

  send = (/** @type {string} */ value) => new Promise((resolve, reject) => {
    this.sent.push({ value, answer: () => resolve(undefined), fail: () => reject(new Error(value)) });
  });

  get values() {
    return this.sent.map(({ value }) => value);
  }
}

suite("values that are sent one at a time", () => {
  test("wait for the one before, and of those that wait only the last one goes", async () => {
    const sender = new Sender(), queue = new OneAtATime(sender.send);
    const done = queue.put("a");
    await Promise.all([queue.put("b"), queue.put("c")]);
    assert.deepEqual(sender.values, ["a"]);
    sender.sent[0]?.answer();
    await new Promise(setImmediate);
    assert.deepEqual(sender.values, ["a", "c"]);
    sender.sent[1]?.answer();
    await done;
    assert.deepEqual(sender.values, ["a", "c"]);
  });

  test("go on after one that failed", async () => {
    const sender = new Sender(), queue = new OneAtATime(sender.send);
    const done = queue.put("a");
    await queue.put("b");
    sender.sent[0]?.fail();
    await new Promise(setImmediate);
    assert.deepEqual(sender.values, ["a", "b"]);
    sender.sent[1]?.answer();
    await done;
    void queue.put("c");
    assert.deepEqual(sender.values, ["a", "b", "c"]);
  });
});
