import assert from "node:assert/strict";
import { test } from "node:test";
import { type Scan, ScanStore } from "../../src/scan/store";

function shared() {
  const map = new Map<string, string>();
  return {
    map,
    get length() {
      return map.size;
    },
    key: (at: number) => [...map.keys()][at] ?? null,
    getItem: (key: string) => map.get(key) ?? null,
    setItem: (key: string, value: string) => void map.set(key, value),
    removeItem: (key: string) => void map.delete(key),
  };
}

const scan = (id: string, outcome: Scan["outcome"], madeAt = 0): Scan => ({
  id,
  timestamp: madeAt,
  orderId: `ORD-${id}`,
  screenId: "S",
  screenName: "S",
  outcome,
  madeAt,
  tookMs: null,
  problem: null,
  attempt: 1,
});

test("a reload finds what was kept, with its id and timestamp", () => {
  const storage = shared();
  new ScanStore(storage).put(scan("a", "kept", 7));
  assert.deepEqual(new ScanStore(storage).all(), [scan("a", "kept", 7)]);
});

test("two windows don't lose each other's scans", () => {
  const storage = shared();
  const one = new ScanStore(storage);
  const two = new ScanStore(storage);
  one.put(scan("a", "kept", 1));
  two.put(scan("b", "kept", 2));
  one.put(scan("a", "kept", 1));
  assert.deepEqual(
    new ScanStore(storage).all().map(({ id }) => id),
    ["b", "a"],
  );
});

test("keeps ten that are done and every one that isn't sent", () => {
  const storage = shared();
  const store = new ScanStore(storage);
  for (let at = 0; at < 30; at++) store.put(scan(`kept${at}`, "kept", at));
  for (let at = 0; at < 30; at++) store.put(scan(`done${at}`, "shown", 100 + at));
  const again = new ScanStore(storage).all();
  assert.equal(again.filter(({ outcome }) => outcome === "kept").length, 30);
  assert.deepEqual(
    again.filter(({ outcome }) => outcome === "shown").map(({ id }) => id),
    Array.from({ length: 10 }, (_, at) => `done${29 - at}`),
  );
});

test("passes over what isn't a scan", () => {
  const storage = shared();
  for (const text of ["{", "null", "7", '{"id":"x"}']) storage.map.set(`vooster.scan.${storage.map.size}`, text);
  storage.map.set("vooster.scan.station", '{"screenId":"S","name":"S","groups":[]}');
  storage.map.set("vooster.lang", "ko");
  assert.deepEqual(new ScanStore(storage).all(), []);
});

test("says so when the browser keeps nothing, and goes on", () => {
  const full = shared();
  full.setItem = () => {
    throw new DOMException("full", "QuotaExceededError");
  };
  for (const store of [new ScanStore(full), new ScanStore(null)]) {
    assert.equal(store.put(scan("a", "queued")), false);
    assert.equal(store.all().length, 1);
  }
});
