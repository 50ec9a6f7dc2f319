import assert from "node:assert/strict";
import { test } from "node:test";
import { AckQueue } from "../../src/station/acks";

const ack = (id: string, status: "received" | "shown" | "failed") => ({ type: "ack" as const, id, status });

test("what was made while the link was down goes out in its order, once", () => {
  const queue = new AckQueue();
  queue.welcome("e1");
  queue.keep(ack("a", "received"));
  queue.keep(ack("a", "shown"));
  queue.keep(ack("a", "received"));
  assert.deepEqual(
    queue.welcome("e1").map(({ status }) => status),
    ["shown", "received"],
  );
  assert.deepEqual(queue.welcome("e1"), []);
});

test("another epoch knows nothing of them", () => {
  const queue = new AckQueue();
  queue.welcome("e1");
  queue.keep(ack("a", "shown"));
  assert.deepEqual(queue.welcome("e2"), []);
  assert.deepEqual(queue.welcome("e1"), []);
});

test("stays bounded, the newest win", () => {
  const queue = new AckQueue();
  for (let at = 0; at < 1_000; at++) queue.keep(ack(`d${at}`, "shown"));
  const due = queue.welcome("e1");
  assert.equal(due.length, 200);
  assert.equal(due.at(-1)?.id, "d999");
});
