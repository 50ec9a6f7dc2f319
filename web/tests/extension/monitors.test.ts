import "../browser";
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Info, inOrder } from "../../extension/worker/monitors";

function info(id: string, left: number, top: number, isPrimary = false): Info {
  return { id, name: id, bounds: { left, top, width: 1920, height: 1080 }, isPrimary, isEnabled: true };
}

const ids = (infos: Info[], chosen: string | null = null, target = 1): string[] =>
  inOrder(infos, chosen, target).map(({ id }) => id);

test("the primary monitor is the first, the others go from left to right, then down", () => {
  assert.deepEqual(ids([info("right", 1920, 0), info("main", 0, 0, true)]), ["main", "right"]);
  assert.deepEqual(ids([info("left", -1920, 0), info("main", 0, 0, true)]), ["main", "left"]);
  const three = [info("below", 0, 1080), info("above", 0, -1080), info("main", 0, 0, true)];
  assert.deepEqual(ids(three), ["main", "above", "below"]);
});

test("the chosen monitor changes places with the one that work orders would go to", () => {
  const three = [info("main", 0, 0, true), info("middle", 1920, 0), info("right", 3840, 0)];
  assert.deepEqual(ids(three, "right"), ["main", "right", "middle"]);
  assert.deepEqual(ids(three, "main"), ["middle", "main", "right"]);
  assert.deepEqual(ids(three, "unplugged"), ["main", "middle", "right"]);
  assert.deepEqual(ids(three.slice(0, 1), "right"), ["main"]);
});

test("each tells its index and where it is", () => {
  const [, second] = inOrder([info("main", 0, 0, true), info("", 1920, 0)], null, 1);
  assert.deepEqual(second, {
    id: "",
    index: 1,
    name: "1920×1080",
    bounds: { left: 1920, top: 0, width: 1920, height: 1080 },
    primary: false,
  });
});
