import "../browser";
import assert from "node:assert/strict";
import { test } from "node:test";
import { addressOf, linesOf, pagesOf, selectionIn, stationsOf } from "../../src/office/labels";
import type { Screen } from "../../src/office/types";

const made = (screenId: string, groups: string[]): Screen =>
  ({ screenId, name: screenId, groups }) as unknown as Screen;
const SCREENS = [made("S-10", ["line-2"]), made("S-2", []), made("S-9", ["line-2", "b"]), made("S-30", ["line-1"])];

test("line by line, by number, those of no line last", () => {
  const ids = (line: string | null): string[] => stationsOf(SCREENS, line).map((screen) => screen.screenId);
  assert.deepEqual(ids(null), ["S-30", "S-9", "S-10", "S-2"]);
  assert.deepEqual(ids("line-2"), ["S-9", "S-10"]);
  assert.deepEqual(linesOf(SCREENS), ["b", "line-1", "line-2"]);
});

test("eight a page", () => {
  const counts = [0, 1, 8, 9, 24].map((count) => pagesOf(Array.from({ length: count })).map((page) => page.length));
  assert.deepEqual(counts, [[], [1], [8], [8, 1], [8, 8, 8]]);
});

test("what is chosen stays in the address", () => {
  for (const selection of [
    { line: null, ids: null },
    { line: "조립 1&2", ids: null },
    { line: null, ids: ["S-1", "S-2"] },
    { line: "line-1", ids: [""] },
  ]) {
    const url = new URL(addressOf(selection), "http://x");
    assert.equal(url.pathname, "/screens/labels");
    assert.deepEqual(selectionIn(url.searchParams), selection);
  }
});
