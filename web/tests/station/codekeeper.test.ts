import assert from "node:assert/strict";
import { test } from "node:test";
import { keepCode, keptCode } from "../../src/station/codekeeper";

const CODE = { device_code: "dc", user_code: "BCDF-GHJK", verification_uri: "http://host/approve", expires_in: 600 };

function storage(text?: string) {
  const kept = new Map<string, string>(text === undefined ? [] : [["vooster.code", text]]);
  return {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  };
}

test("the code comes back with the time it has left", () => {
  const kept = storage();
  keepCode(CODE, kept, 1_000);
  assert.deepEqual(keptCode(kept, 61_000), { ...CODE, expires_in: 540, whole_seconds: 600 });
  assert.equal(keptCode(kept, 601_000), null, "its time is over");
  assert.equal(keptCode(kept, 0), null, "the clock was set back, so its end isn't known");
  keepCode(null, kept);
  assert.equal(keptCode(kept, 61_000), null);
});

test("a damaged or missing storage keeps nothing", () => {
  for (const text of [
    "",
    "{",
    "null",
    "[]",
    '{"code":{}}',
    '{"code":{"device_code":"a","user_code":"b"},"endsAt":"x"}',
  ]) {
    assert.equal(keptCode(storage(text), 0), null, text);
  }
  assert.equal(keptCode(null, 0), null);
  keepCode(CODE, null, 0);
});
