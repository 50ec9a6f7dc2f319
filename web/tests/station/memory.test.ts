import assert from "node:assert/strict";
import { test } from "node:test";
import { Memory } from "../../src/station/memory";

const store = (text: string | null = null) => ({
  text,
  read() {
    return this.text;
  },
  write(next: string) {
    this.text = next;
  },
});
const delivery = (id: string, seq: number, more: object = {}) => ({ id, seq, round: 1, displayIndex: 1, ...more });

function paired(kept = store()) {
  const memory = new Memory(kept);
  memory.welcome("e1", "SCREEN-001");
  return memory;
}

test("shows once, and acks the same round again", () => {
  const memory = paired();
  assert.equal(memory.judge(delivery("a", 1)), "show");
  assert.equal(memory.judge(delivery("a", 1)), "show", "not shown yet: the first attempt failed");
  memory.markShown(delivery("a", 1));
  assert.equal(memory.judge(delivery("a", 1)), "again");
  assert.equal(memory.judge(delivery("a", 2, { round: 2 })), "show", "a replay is shown again");
});

test("a restored document is never dropped as shown", () => {
  const memory = paired();
  memory.judge(delivery("a", 1));
  memory.markShown(delivery("a", 1));
  assert.equal(memory.judge(delivery("a", 1, { restored: true })), "show");
});

test("ignores what is older than the newest of its display only", () => {
  const memory = paired();
  assert.equal(memory.judge(delivery("a", 5)), "show");
  assert.equal(memory.judge(delivery("b", 4)), "stale");
  assert.equal(memory.judge(delivery("b", 4, { restored: true })), "stale");
  assert.equal(memory.judge(delivery("b", 4, { displayIndex: 2 })), "show");
});

test("an older one that was shown is acked again all the same", () => {
  const memory = paired();
  memory.judge(delivery("a", 1));
  memory.markShown(delivery("a", 1));
  memory.judge(delivery("b", 2));
  assert.equal(memory.judge(delivery("a", 1)), "again");
});

test("a changed epoch or another screen clears it, the same one doesn't", () => {
  const memory = paired();
  memory.judge(delivery("a", 9));
  memory.markShown(delivery("a", 9));
  memory.welcome("e1", "SCREEN-001");
  assert.equal(memory.judge(delivery("b", 3)), "stale");
  memory.welcome("e2", "SCREEN-001");
  assert.equal(memory.judge(delivery("b", 3)), "show");
  memory.markShown(delivery("b", 3));
  memory.welcome("e2", "SCREEN-002");
  assert.equal(memory.judge(delivery("b", 1)), "show");
});

test("after a reload older orders stay away and the shown one is shown, because the monitor is empty", () => {
  const kept = store();
  const before = paired(kept);
  before.judge(delivery("a", 7));
  before.markShown(delivery("a", 7));
  const after = paired(kept);
  assert.equal(after.judge(delivery("old", 6)), "stale");
  assert.equal(after.judge(delivery("a", 7)), "show");
});

test("starts afresh from a damaged store", () => {
  for (const text of ["", "{", "[]", "7", '{"epoch":1}', '{"epoch":"e1","screenId":"SCREEN-001","newest":{"1":"x"}}']) {
    assert.equal(paired(store(text)).judge(delivery("a", 1)), "show", text);
  }
});

test("stays bounded", () => {
  const kept = store();
  const memory = paired(kept);
  for (let seq = 1; seq <= 2_000; seq++) {
    const one = delivery(`d${seq}`, seq, { displayIndex: seq % 40 });
    memory.judge(one);
    memory.markShown(one);
  }
  assert.ok((kept.text?.length ?? 0) < 1_000);
  assert.notEqual(memory.judge(delivery("d1", 1, { displayIndex: 1 })), "again");
});
