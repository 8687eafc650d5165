import assert from "node:assert/strict";
import { test } from "node:test";

import { Problem } from "../../../static/js/model/responses.js";
import { retryWhileBusy } from "../../../static/js/model/retry.js";

/**
 * Answers one after the other; a problem is thrown.
 * @param {unknown[]} answers
 */
function asking(...answers) {
  /** @type {number[]} */
  const waited = [];
  const ask = () => {
    const answer = answers.shift();
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  };
  const wait = (/** @type {number} */ seconds) => { waited.push(seconds); return Promise.resolve(); };
  return { ask, wait, waited };
}

const busy = (seconds = 2) => new Problem(503, { code: "busy" }, seconds);
const limited = (seconds = 2) => new Problem(429, { code: "rate_limited" }, seconds);

test("a request to a busy server is repeated after the time in Retry-After", async () => {
  const { ask, wait, waited } = asking(busy(2), limited(3), "found");
  assert.equal(await retryWhileBusy(ask, () => true, wait), "found");
  assert.deepEqual(waited, [2, 3]);
});

test("a request fails after seven responses", async () => {
  const { ask, wait, waited } = asking(...Array.from({ length: 9 }, () => busy()));
  await assert.rejects(retryWhileBusy(ask, () => true, wait), { code: "busy" });
  assert.equal(waited.length, 6);
});

for (const [name, problem] of /** @type {[string, Problem][]} */ ([
  ["a limit for an hour", limited(3600)],
  ["no time", busy(0)],
  ["another problem", new Problem(403, { code: "quota_images" }, 2)],
  ["no answer", new Problem(0, {})],
])) {
  test(`${name} is not retried`, async () => {
    const { ask, wait, waited } = asking(problem, "found");
    await assert.rejects(retryWhileBusy(ask, () => true, wait), problem);
    assert.deepEqual(waited, []);
  });
}

test("a request that is no longer needed is not repeated", async () => {
  const { ask, wait } = asking(busy(), "found");
  let isWanted = true;
  await assert.rejects(retryWhileBusy(ask, () => isWanted, (seconds) => { isWanted = false; return wait(seconds); }), { code: "busy" });
});

test("other errors are thrown at once", async () => {
  const mistake = new TypeError("no function");
  await assert.rejects(retryWhileBusy(() => Promise.reject(mistake), () => true, () => Promise.resolve()), mistake);
});
