import assert from "node:assert/strict";
import { suite, test } from "node:test";

import { Latest, LatestValueSender } from "../../../static/js/model/latest.js";

suite("requests whose responses arrive in any order", () => {
  test("only the last one is the latest", () => {
    const latest = new Latest();
    const first = latest.start();
    assert.equal(first(), true);
    const second = latest.start();
    assert.deepEqual([first(), second(), second()], [false, true, true]);
  });

  test("none is the latest after they are cancelled", () => {
    const latest = new Latest();
    const first = latest.start();
    latest.cancel();
    assert.equal(first(), false);
    assert.equal(latest.start()(), true);
  });

  test("two counters are independent", () => {
    const one = new Latest(), other = new Latest();
    const first = one.start();
    other.start();
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
  test("wait for the previous one, and only the last waiting one is sent", async () => {
    const sender = new Sender(), queue = new LatestValueSender(sender.send);
    const done = queue.send("a");
    await Promise.all([queue.send("b"), queue.send("c")]);
    assert.deepEqual(sender.values, ["a"]);
    sender.sent[0]?.answer();
    await new Promise(setImmediate);
    assert.deepEqual(sender.values, ["a", "c"]);
    sender.sent[1]?.answer();
    await done;
    assert.deepEqual(sender.values, ["a", "c"]);
  });

  test("continue after a failure", async () => {
    const sender = new Sender(), queue = new LatestValueSender(sender.send);
    const done = queue.send("a");
    await queue.send("b");
    sender.sent[0]?.fail();
    await new Promise(setImmediate);
    assert.deepEqual(sender.values, ["a", "b"]);
    sender.sent[1]?.answer();
    await done;
    void queue.send("c");
    assert.deepEqual(sender.values, ["a", "b", "c"]);
  });
});
