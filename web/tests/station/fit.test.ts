import assert from "node:assert/strict";
import { test } from "node:test";
import { fitOf } from "../../src/station/viewer/fit";

const A4 = { width: 595, height: 842 };
const LYING = { width: 842, height: 595 };
const MONITOR = { width: 1920, height: 1080 };

test("a lying page is shown whole, on every monitor", () => {
  for (const monitor of [
    MONITOR,
    { width: 1280, height: 1024 },
    { width: 1080, height: 1920 },
    { width: 3440, height: 1440 },
  ]) {
    const { width, height, tops } = fitOf(LYING, monitor);
    assert.deepEqual(tops, [0]);
    assert.ok(width <= monitor.width + 0.01 && height <= monitor.height + 0.01);
  }
});

test("an upright page on an upright monitor is shown whole", () => {
  assert.deepEqual(fitOf(A4, { width: 1080, height: 1920 }).tops, [0]);
});

test("an upright page on a lying monitor fills the width and is seen from top to bottom without a gap", () => {
  for (const monitor of [MONITOR, { width: 1280, height: 1024 }, { width: 1920, height: 1200 }]) {
    const { width, height, tops } = fitOf(A4, monitor);
    assert.equal(width, monitor.width);
    assert.ok(tops.length > 1);
    assert.equal(tops[0], 0);
    assert.ok(Math.abs((tops.at(-1) ?? 0) + monitor.height - height) < 0.01, "the last one ends with the page");
    for (const [step, top] of tops.entries()) {
      if (step > 0)
        assert.ok(top - (tops[step - 1] ?? 0) <= monitor.height * 0.92 + 0.01, "each overlaps the one before");
    }
  }
  assert.equal(fitOf(A4, MONITOR).tops.length, 3);
});

test("a page that nearly fits isn't cut", () => {
  assert.deepEqual(fitOf({ width: 100, height: 100 }, { width: 1280, height: 1024 }).tops, [0]);
});

test("a tape isn't cut into more steps than anybody waits for", () => {
  assert.deepEqual(fitOf({ width: 10, height: 1000 }, MONITOR).tops, [0]);
});
