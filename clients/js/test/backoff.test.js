import assert from "node:assert/strict";
import { test } from "node:test";

import { backoff } from "../src/backoff.js";
import { verdict } from "../src/close.js";

test("the ceiling doubles with every failure, up to the most", () => {
  const ceiling = (attempt) => backoff(attempt, { first: 100, most: 1000, random: () => 1 });
  assert.deepEqual([1, 2, 3, 4, 5, 6].map(ceiling), [100, 200, 400, 800, 1000, 1000]);
});

test("jitter is full: any time below the ceiling, none above", () => {
  for (let attempt = 1; attempt < 2000; attempt += 1) {
    const delay = backoff(attempt, { first: 100, most: 1000 });
    assert.ok(delay >= 0 && delay <= 1000, `${delay} after ${attempt} failures`);
  }
  assert.equal(backoff(4, { first: 100, most: 1000, random: () => 0 }), 0);
});

test("a client comes back after every close but a farewell (§7.5)", () => {
  assert.equal(verdict(1000).reconnect, false);
  for (const code of [1001, 1002, 1006, 1007, 1009, 1011, 1012, 1013, 4000])
    assert.ok(verdict(code).reconnect, String(code));
});

test("a client that was too much keeps away for a while", () => {
  assert.ok(verdict(1013).atLeast > 0);
  assert.ok(verdict(1008).atLeast > 0);
  assert.equal(verdict(1012).atLeast, 0);
  assert.equal(verdict(1012, "service restart; retry in 1200ms").atLeast, 1200);
  assert.equal(verdict(1012, "service restart; retry in 999999999ms").atLeast, 60_000);
  for (const reason of ["service restart", "retry in ms", "; retry in 1e3ms", "; retry in -5ms"]) {
    assert.equal(verdict(1012, reason).atLeast, 0, reason);
  }
  assert.equal(verdict(1011, "; retry in 1200ms").atLeast, 0);
});
