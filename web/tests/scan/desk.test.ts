import "../browser";
import assert from "node:assert/strict";
import { test } from "node:test";
import { Desk } from "../../src/scan/desk";
import type { Scanner } from "../../src/scan/session";
import { ScanStore } from "../../src/scan/store";

/** An appliance that shows whatever it is sent. */
function appliance() {
  const sent: { orderId: string; screenId?: string }[] = [];
  globalThis.fetch = async (_path, init) => {
    const body = JSON.parse(String(init?.body)) as { id: string; orderId: string; screenId?: string };
    sent.push({ orderId: body.orderId, screenId: body.screenId });
    const delivery = { screenId: body.screenId, state: "shown", final: true };
    return Response.json({ id: body.id, status: "accepted", deliveries: [delivery] });
  };
  return sent;
}

const scanner = { bearer: async () => "token", accepted: () => {}, refused: async () => false } as unknown as Scanner;

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((done) => setTimeout(done, 1));
}

test("what is scanned before a screen is chosen is kept, and sent in its order once it is", async () => {
  const sent = appliance();
  const desk = new Desk(new ScanStore(null), scanner);
  let clock = 1_000;
  Date.now = () => clock++;
  desk.hold("ORD-1");
  desk.hold("ORD-2");
  desk.resume();
  await new Promise((done) => setTimeout(done, 5));
  assert.deepEqual(sent, [], "nothing goes out unplaced");
  assert.deepEqual(
    desk.scans.value.map((scan) => scan.outcome),
    ["placeless", "placeless"],
  );
  desk.sendHeld("SCREEN-007", "절단 7");
  await until(() => desk.scans.value.every((scan) => scan.outcome === "shown"));
  assert.deepEqual(sent, [
    { orderId: "ORD-1", screenId: "SCREEN-007" },
    { orderId: "ORD-2", screenId: "SCREEN-007" },
  ]);
});
