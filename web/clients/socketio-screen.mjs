// A screen over Socket.IO:  npm install socket.io-client  and  node socketio-screen.mjs pairing.json [transport]

import { io } from "socket.io-client";
import { inWords } from "./connection.mjs";
import { fetched } from "./documents.mjs";
import { pairingFile } from "./pairing-file.mjs";
import { comesBack, heedGoodbye } from "./socketio-goodbye.mjs";
import { station } from "./station.mjs";

const AGAIN_MS = 1_000;
const say = console.log;
const paired = pairingFile(process.argv[2] ?? "pairing.json");
const transports = process.argv[3] ? [process.argv[3]] : ["polling", "websocket"];
let refused = false;

const socket = io(paired.url, {
  ...comesBack,
  transports,
  auth: (answer) => {
    const client = { name: "socketio-screen", version: "1" };
    const hello = { client, capabilities: ["shown"], restore: true, displays: [{ index: 0, primary: true }] };
    paired.token(refused).then(
      (token) => {
        refused = false;
        answer({ token, ...hello });
      },
      (error) => {
        if (error.final) giveUp(error.message);
        say(`No token just now: ${error.message}`);
        socket.disconnect();
        setTimeout(() => socket.connect(), AGAIN_MS);
      },
    );
  },
});
heedGoodbye(socket);

function giveUp(why) {
  say(why);
  process.exit(1);
}

const screen = station({
  ack: (body) => socket.emit("ack", body),
  show: (message, signal) => fetched(message, signal, say),
  putAway: () => say("The document is put away"),
  say,
});

socket.on("welcome", (message) => {
  say(`Connected to ${message.plant} as ${message.screenId}`);
  screen.welcome(message);
});
// `received` goes into navigate's own callback, what follows is an event.
socket.on("navigate", (message, answer) => screen.navigate(message, () => answer({ received: true, id: message.id })));
socket.on("delivery", (message) => say(`${message.triggerId}: ${message.state}`));
socket.on("clear", screen.clear);
socket.on("identify", (message) => say(`This is ${message.label}`));
socket.on("ping", (_message, answer) => answer?.());
socket.on("auth:expiring", async () => {
  try {
    socket.emit("auth", { token: await paired.token(true) });
  } catch (error) {
    say(`The token could not be renewed: ${error.message}`);
  }
});

let last;
socket.on("error", (problem) => {
  last = problem;
  say(`${problem.code}: ${inWords(problem)}`);
  screen.error(problem);
});

socket.on("connect_error", (error) => {
  if (!error.data) return; // the appliance is away: the client tries again by itself
  refusedWith(error.data);
});
socket.on("disconnect", (reason) => {
  if (reason === "io client disconnect") return; // our own, without a token
  say(`Lost the connection (${reason})`);
  if (reason === "io server disconnect") refusedWith(last);
});

// Only a token that has ended is worth another try, with a new one.
function refusedWith(problem) {
  if (problem?.code !== "TOKEN_EXPIRED")
    giveUp(problem ? `${problem.code}: ${inWords(problem)}` : "The session was ended.");
  refused = true;
  socket.connect();
}
