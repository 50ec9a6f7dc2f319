// A program that scans, over Socket.IO:  VOOSTER_KEY=... node socketio-trigger.mjs http://192.168.10.20:8480 SCREEN-001 ORD-1001
// Ends when the document is on the monitor, or with the screen where that can't tell (0), or it isn't (1).

import { randomUUID } from "node:crypto";
import { io } from "socket.io-client";
import { inWords } from "./connection.mjs";
import { isThere, overdue, WAIT_MS } from "./outcomes.mjs";
import { comesBack, heedGoodbye } from "./socketio-goodbye.mjs";

const [url, screenId, orderId] = process.argv.slice(2);
const trigger = { id: randomUUID(), timestamp: Date.now(), orderId, screenId };
const socket = io(url, {
  ...comesBack,
  auth: { token: process.env.VOOSTER_KEY, client: { name: "socketio-trigger", version: "1" } },
});
let accepted = false;

function end(line, code) {
  console.log(line);
  socket.close();
  process.exit(code);
}

function outcome(delivery) {
  if (!delivery.final) return;
  const why = delivery.messages ? `, ${delivery.code}: ${inWords(delivery)}` : "";
  end(`${orderId}: ${delivery.state}${why}`, isThere(delivery) ? 0 : 1);
}

heedGoodbye(socket);
// With every connect, with the same id: what was accepted already is answered and not done again.
socket.on("connect", () => {
  socket.emit("trigger", trigger, (answer) => {
    if (!answer.success) return end(`${orderId}: ${answer.code}: ${inWords(answer)}`, 1);
    if (!accepted) console.log(`${orderId}: accepted`);
    accepted = true;
    answer.data.deliveries.forEach(outcome);
  });
});
socket.on("delivery", (message) => message.triggerId === trigger.id && outcome(message));
socket.on("error", (problem) => console.error(`${problem.code}: ${inWords(problem)}`));
socket.on("connect_error", (error) => {
  if (error.data) end(`${error.data.code}: ${inWords(error.data)}`, 1);
});
socket.on("disconnect", (reason) => {
  if (reason === "io server disconnect") end(`${orderId}: the appliance ended the session.`, 1);
});
setTimeout(() => end(`${orderId}: ${overdue(accepted)}`, 1), WAIT_MS);
