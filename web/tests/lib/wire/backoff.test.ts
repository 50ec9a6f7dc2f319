import assert from "node:assert/strict";
import { test } from "node:test";
import { reconnectDelay } from "../../../src/lib/wire/backoff";

test("grows by half from 100 ms to at most a second", () => {
  const waits = [0, 1, 2, 3, 4, 5, 6, 50].map((attempt) => reconnectDelay(attempt, 0, 1));
  assert.deepEqual(waits, [100, 150, 225, 338, 506, 759, 1000, 1000]);
});

test("waits up to five seconds once a minute has passed", () => {
  assert.equal(reconnectDelay(50, 59_999, 1), 1_000);
  assert.equal(reconnectDelay(50, 60_000, 1), 5_000);
});

test("spreads, and never beyond the longest wait", () => {
  assert.equal(reconnectDelay(50, 0, 0), 500);
  assert.equal(reconnectDelay(0, 0, 0), 50);
  for (let at = 0; at < 100; at++) assert.ok(reconnectDelay(at, 90_000, Math.random()) <= 5_000);
});
