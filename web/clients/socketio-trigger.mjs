// A program that scans, over Socket.IO:  VOOSTER_KEY=... node socketio-trigger.mjs http://192.168.10.20:8480 SCREEN-001 ORD-1001
// Ends when the document is on the monitor (0) or can't be (1).

import { randomUUID } from "node:crypto";
import { io } from "socket.io-client";
import { inWords } from "./connection.mjs";

const [url, screenId, orderId] = process.argv.slice(2);
const trigger = { id: randomUUID(), timestamp: Date.now(), orderId, screenId };
const socket = io(url, {
  auth: { token: process.env.VOOSTER_KEY, client: { name: "socketio-trigger", version: "1" } },
  reconnectionDelay: 100,
  reconnectionDelayMax: 1_000,
});

function end(line, code) {
  console.log(line);
  socket.close();
  process.exit(code);
}

function outcome(delivery) {
  if (!delivery.final) return;
  const why = delivery.messages ? `, ${delivery.code}: ${inWords(delivery)}` : "";
  end(`${orderId}: ${delivery.state}${why}`, delivery.state === "dead" ? 1 : 0);
}

// With every connect, with the same id: what was accepted already is answered and not done again.
socket.on("connect", () => {
  socket.emit("trigger", trigger, (answer) => {
    if (!answer.success) end(`${orderId}: ${answer.code}: ${inWords(answer)}`, 1);
    console.log(`${orderId}: accepted`);
    answer.data.deliveries.forEach(outcome);
  });
});
socket.on("delivery", (message) => message.triggerId === trigger.id && outcome(message));
socket.on("connect_error", (error) => {
  if (error.data) end(`${error.data.code}: ${inWords(error.data)}`, 1);
});
