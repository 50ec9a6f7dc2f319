import "../browser";
import assert from "node:assert/strict";
import { test } from "node:test";
import { ago, count, lasting, long, share, short, when } from "../../src/lib/format";
import { setLang } from "../../src/lib/i18n";

const NOW = new Date(2026, 10, 22, 14, 14, 7).getTime();
const MINUTE = 60_000;

/** The same call in Korean and in English. */
function both(say: () => string): [string, string] {
  setLang("ko");
  const ko = say();
  setLang("en");
  return [ko, say()];
}

test("times of today and of another day", () => {
  assert.deepEqual(
    both(() => when(NOW, NOW)),
    ["14:14:07", "14:14:07"],
  );
  const before = new Date(2026, 10, 21, 14, 14).getTime();
  assert.deepEqual(
    both(() => when(before, NOW)),
    ["11월 21일 (토) 14:14", "Sat 21 Nov, 14:14"],
  );
});

test("ages", () => {
  assert.deepEqual(
    both(() => ago(NOW - 1000, NOW)),
    ["방금", "just now"],
  );
  assert.deepEqual(
    both(() => ago(NOW - 12_000, NOW)),
    ["12초 전", "12 s ago"],
  );
  assert.deepEqual(
    both(() => ago(NOW - 6 * MINUTE, NOW)),
    ["6분 전", "6 min ago"],
  );
  assert.deepEqual(
    both(() => ago(NOW - 180 * MINUTE, NOW)),
    ["3시간 전", "3 h ago"],
  );
  assert.deepEqual(
    both(() => ago(NOW - 1440 * MINUTE, NOW)),
    ["어제", "yesterday"],
  );
  assert.deepEqual(
    both(() => lasting(6 * MINUTE)),
    ["6분째", "for 6 min"],
  );
});

test("durations", () => {
  assert.deepEqual(
    both(() => short(2)),
    ["2 ms", "2 ms"],
  );
  assert.deepEqual(
    both(() => short(290)),
    ["0.29초", "0.29 s"],
  );
  assert.deepEqual(
    both(() => short(999)),
    ["1.0초", "1.0 s"],
  );
  assert.deepEqual(
    both(() => short(1840)),
    ["1.8초", "1.8 s"],
  );
  assert.deepEqual(
    both(() => long(492_000)),
    ["8분 12초", "8 min 12 s"],
  );
  assert.deepEqual(
    both(() => long((12 * 24 + 4) * 60 * MINUTE)),
    ["12일 4시간", "12 d 4 h"],
  );
});

test("counts and shares; unknown is a dash, never 0", () => {
  assert.equal(count(1846), "1,846");
  assert.deepEqual(
    both(() => count(10_000_000)),
    ["1,000만", "10M"],
  );
  assert.equal(share(4, 1846), "0.2%");
  assert.equal(share(0, 0), "–");
  assert.equal(short(null), "–");
});
