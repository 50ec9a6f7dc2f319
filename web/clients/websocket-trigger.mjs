// A program that scans:  VOOSTER_KEY=... node websocket-trigger.mjs http://192.168.10.20:8480 SCREEN-001 ORD-1001 ...
// Ends when every document is on the monitor, or with the screen where that can't tell (0), or one of them isn't (1).

import { randomUUID } from "node:crypto";
import { connect, inWords } from "./connection.mjs";
import { isThere, overdue, WAIT_MS } from "./outcomes.mjs";

const WebSocket = globalThis.WebSocket ?? (await import("ws")).default;
const [url, screenId, ...orders] = process.argv.slice(2);
const open = new Map();
for (const orderId of orders) {
  const id = randomUUID();
  open.set(id, { type: "trigger", id, timestamp: Date.now(), orderId, screenId, mode: "queue" });
}
const accepted = new Set();
let failed = false;
let patience = setTimeout(giveUp, WAIT_MS);

function done(id, line, isFailure) {
  const trigger = open.get(id);
  if (!trigger) return;
  console.log(`${trigger.orderId}: ${line}`);
  failed ||= isFailure;
  open.delete(id);
  clearTimeout(patience);
  patience = setTimeout(giveUp, WAIT_MS); // one after the other: each has its own time
  if (open.size === 0) {
    session.close();
    process.exit(failed ? 1 : 0);
  }
}

function giveUp() {
  for (const [id, trigger] of open) console.log(`${trigger.orderId}: ${overdue(accepted.has(id))}`);
  session.close();
  process.exit(1);
}

function outcome(id, delivery) {
  const why = delivery.messages ? `, ${delivery.code}: ${inWords(delivery)}` : "";
  if (delivery.final) done(id, delivery.state + why, !isThere(delivery));
}

const session = connect({
  url,
  token: () => process.env.VOOSTER_KEY,
  hello: { client: { name: "websocket-trigger", version: "1" } },
  say: console.error,
  WebSocket,
  on: {
    welcome() {
      // After a lost connection all that is open goes again with its old id: that changes nothing, and is answered.
      for (const trigger of open.values()) session.send(trigger);
    },
    "trigger:response": (message) => {
      const trigger = open.get(message.id);
      if (!trigger) return;
      if (!accepted.has(message.id)) console.log(`${trigger.orderId}: accepted`);
      accepted.add(message.id);
      for (const delivery of message.data.deliveries) outcome(message.id, delivery);
    },
    "trigger:error": (message) => done(message.id, `${message.code}: ${inWords(message)}`, true),
    delivery: (message) => outcome(message.triggerId, message),
    end: (why) => why && process.exit(1),
  },
});
