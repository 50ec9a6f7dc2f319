import assert from "node:assert/strict";
import { test } from "node:test";
import { isAway, isEnded, isOld, isOwed, outcomeOf } from "../../src/scan/outcome";

const delivery = (state: string, final: boolean, code?: string) => ({ screenId: "S", state, final, code }) as never;

test("the worst of several deliveries counts", () => {
  assert.deepEqual(
    outcomeOf({ id: "t", deliveries: [delivery("shown", true), delivery("dead", true, "SCREEN_OFFLINE")] }),
    { outcome: "dead", final: true, code: "SCREEN_OFFLINE", attempt: 1 },
  );
  assert.deepEqual(outcomeOf({ id: "t", deliveries: [delivery("shown", true), delivery("pending", false)] }), {
    outcome: "pending",
    final: false,
    code: null,
    attempt: 1,
  });
  assert.equal(outcomeOf({ id: "t", deliveries: [delivery("received", true)] }).final, true);
});

test("the monitor's own reason is told rather than how often it was tried", () => {
  const worn = {
    ...(delivery("dead", true, "RETRIES_EXHAUSTED") as object),
    cause: "DOCUMENT_LOAD_FAILED",
    attempt: 4,
  };
  assert.deepEqual(outcomeOf({ id: "t", deliveries: [worn as never] }), {
    outcome: "dead",
    final: true,
    code: "DOCUMENT_LOAD_FAILED",
    attempt: 4,
  });
});

test("an answer without deliveries is not an end", () => {
  assert.deepEqual(outcomeOf({ id: "t" }), { outcome: "pending", final: false, code: null, attempt: 1 });
});

test("away is told from refused", () => {
  for (const code of ["CONNECTION_TIMEOUT", "CONNECTION_REFUSED", "SHUTTING_DOWN"]) {
    assert.equal(isAway({ code, status: null }), true, code);
  }
  assert.equal(isAway({ code: "UNKNOWN", status: 502 }), true);
  for (const [code, status] of [
    ["STORAGE_UNAVAILABLE", 503],
    ["ORDER_NOT_FOUND", 404],
    ["INTERNAL_ERROR", 500],
  ] as const) {
    assert.equal(isAway({ code, status }), false, code);
  }
});

test("a scan is asked about after five minutes, also when a clock ran the other way", () => {
  assert.equal(isOld({ timestamp: 0 }, 300_000), false);
  assert.equal(isOld({ timestamp: 0 }, 300_001), true);
  assert.equal(isOld({ timestamp: 300_001 }, 0), true);
});

test("nothing is both owed and ended", () => {
  for (const outcome of ["placeless", "queued", "sending", "kept", "signIn", "asking"] as const) {
    assert.ok(isOwed(outcome) && !isEnded(outcome));
  }
  for (const outcome of ["shown", "dead", "superseded", "refused", "dropped"] as const) {
    assert.ok(isEnded(outcome) && !isOwed(outcome));
  }
  assert.ok(!isOwed("pending") && !isEnded("pending"));
});
