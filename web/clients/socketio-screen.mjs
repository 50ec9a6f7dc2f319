// A screen over Socket.IO:  npm install socket.io-client  and  node socketio-screen.mjs pairing.json [transport]

import { io } from "socket.io-client";
import { inWords } from "./connection.mjs";
import { fetched } from "./documents.mjs";
import { pairingFile } from "./pairing-file.mjs";
import { station } from "./station.mjs";

const say = console.log;
const paired = pairingFile(process.argv[2] ?? "pairing.json");
const transports = process.argv[3] ? [process.argv[3]] : ["polling", "websocket"];
let refused = false;

const socket = io(paired.url, {
  transports,
  reconnectionDelay: 100,
  reconnectionDelayMax: 1_000,
  auth: (answer) => {
    const client = { name: "socketio-screen", version: "1" };
    const hello = { client, capabilities: ["shown"], restore: true, displays: [{ index: 0, primary: true }] };
    paired.token(refused).then(
      (token) => answer({ token, ...hello }),
      (error) => giveUp(error.message),
    );
    refused = false;
  },
});

function giveUp(why) {
  say(why);
  process.exit(1);
}

const screen = station({
  // `received` goes into navigate's own callback, what follows is an event.
  ack: (body) => body.status !== "received" && socket.emit("ack", body),
  show: (message) => fetched(message, say),
  say,
});

socket.on("welcome", (message) => {
  say(`Connected to ${message.plant} as ${message.screenId}`);
  screen.welcome(message);
});
socket.on("navigate", (message, answer) => {
  answer({ received: true, id: message.id });
  screen.navigate(message);
});
socket.on("delivery", (message) => say(`${message.triggerId}: ${message.state}`));
socket.on("clear", () => say("The document is put away"));
socket.on("ping", (_message, answer) => answer?.());
socket.on("auth:expiring", async () => {
  socket.emit("auth", { token: await paired.token(true) });
});

let last;
socket.on("error", (problem) => {
  last = problem;
  say(`${problem.code}: ${inWords(problem)}`);
});

socket.on("connect_error", (error) => {
  if (!error.data) return; // the appliance is away: the client tries again by itself
  refusedWith(error.data);
});
socket.on("disconnect", (reason) => {
  say(`Lost the connection (${reason})`);
  if (reason === "io server disconnect") refusedWith(last);
});

// Only a token that has ended is worth another try, with a new one.
function refusedWith(problem) {
  if (problem.code !== "TOKEN_EXPIRED") giveUp(`${problem.code}: ${inWords(problem)}`);
  refused = true;
  socket.connect();
}
