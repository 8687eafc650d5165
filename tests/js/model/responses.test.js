import assert from "node:assert/strict";
import { suite, test } from "node:test";

import { Problem, csrfToken, secondsToWait, parseResponse } from "../../../static/js/model/responses.js";

/**
 * @param {Parameters<typeof parseResponse>} answer
 * @returns {Problem}
 */
function problemOf(...answer) {
  try {
    parseResponse(...answer);
  } catch (problem) {
    assert.ok(problem instanceof Problem);
    return problem;
  }
  return assert.fail("no problem");
}

suite("a response of the API", () => {
  test("with success is its JSON, or null without a body", () => {
    assert.deepEqual(parseResponse(200, '{"id": "a", "revision": 2}'), { id: "a", revision: 2 });
    assert.deepEqual(parseResponse(201, "[1]"), [1]);
    assert.equal(parseResponse(204, ""), null);
  });

  for (const [status, code, detail] of /** @type {[number, string, string][]} */ ([
    [401, "not_authenticated", "Sign in first."],
    [403, "permission_denied", "You may see this, but not change it."],
    [409, "revision_conflict", "Somebody changed it."],
    [413, "too_large", "It is too large."],
    [422, "corrupt", "It cannot be read."],
    [503, "busy", "Try again."],
  ])) {
    test(`with status ${status} is a problem with the code and message of the server`, () => {
      const problem = problemOf(status, JSON.stringify({ status, code, detail, title: "Title" }));
      assert.deepEqual([problem.status, problem.code, problem.message], [status, code, detail]);
    });
  }

  test("with only a title has the title as its message", () => assert.equal(problemOf(400, '{"title": "Bad Request"}').message, "Bad Request"));

  for (const [status, text] of /** @type {[number, string][]} */ ([
    [500, "<!doctype html><h1>Server Error</h1>"], [502, ""], [413, "<html>Request Entity Too Large</html>"], [500, "null"],
    [500, '"text"'], [400, '{"detail": {"loc": 1}, "code": 3}'],
  ])) {
    test(`with status ${status} and ${text || "nothing"} is a problem without a message`, () => {
      const problem = problemOf(status, text);
      assert.deepEqual([problem.status, problem.code, problem.message], [status, "", ""]);
    });
  }

  test("with success but a page instead of JSON has status 0", () => {
    assert.equal(problemOf(200, "<!doctype html><h1>Sign in to this network</h1>").status, 0);
  });

  test("has the seconds of Retry-After", () => {
    assert.equal(problemOf(429, '{"code": "rate_limited"}', "10").retryAfter, 10);
    assert.equal(problemOf(503, "<html>", "7").retryAfter, 7);
    assert.equal(problemOf(429, "{}").retryAfter, 0);
  });

  test("with some statuses means that the object is gone", () => {
    const gone = [0, 400, 401, 403, 404, 408, 409, 410, 422, 429, 500, 503].filter((status) => new Problem(status, {}).isGone);
    assert.deepEqual(gone, [401, 403, 404, 410]);
  });
});

suite("Retry-After", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");
  for (const [header, seconds] of /** @type {[string | null, number][]} */ ([
    ["3", 3], [" 3 ", 3], ["0", 0], ["86400", 60], [null, 0], ["", 0], ["soon", 0], ["-5", 0],
    ["Thu, 01 Jan 2026 00:00:20 GMT", 20], ["Wed, 31 Dec 2025 23:00:00 GMT", 0], ["Fri, 02 Jan 2026 00:00:00 GMT", 60],
  ])) {
    test(`of ${header} means ${seconds} s`, () => assert.equal(secondsToWait(header, now), seconds));
  }
});

suite("the CSRF token", () => {
  for (const [cookies, isSecure, token] of /** @type {[string, boolean, string][]} */ ([
    ["csrftoken=abc", false, "abc"], ["a=1; csrftoken=abc; b=2", false, "abc"], ["xcsrftoken=bad; csrftoken=abc", false, "abc"],
    ["__Host-csrftoken=abc", true, "abc"], ["__Secure-csrftoken=abc", true, "abc"], ["csrftoken=other; __Host-csrftoken=abc", true, "abc"],
    ["csrftoken=other", true, ""], ["__Host-csrftoken=other; csrftoken=abc", false, "abc"], ["", false, ""], ["csrftoken", false, ""],
    ["csrftoken=a=b", false, "a=b"],
  ])) {
    test(`of "${cookies}" ${isSecure ? "on https" : "on http"} is "${token}"`, () => assert.equal(csrfToken(cookies, isSecure), token));
  }
});
