// A screen in Node:  node websocket-screen.mjs pairing.json

import { connect } from "./connection.mjs";
import { fetched } from "./documents.mjs";
import { pairingFile } from "./pairing-file.mjs";
import { station } from "./station.mjs";

const WebSocket = globalThis.WebSocket ?? (await import("ws")).default;
const say = console.log;
const paired = pairingFile(process.argv[2] ?? "pairing.json");
const screen = station({
  ack: (body) => session.send({ type: "ack", ...body }),
  show: (message, signal) => fetched(message, signal, say),
  putAway: () => say("The document is put away"),
  say,
});

const session = connect({
  url: paired.url,
  token: paired.token,
  hello: {
    client: { name: "websocket-screen", version: "1" },
    capabilities: ["shown"],
    restore: true,
    displays: [{ index: 0, primary: true }],
  },
  say,
  WebSocket,
  on: {
    welcome(message) {
      say(`Connected to ${message.plant} as ${message.screenId}`);
      screen.welcome(message);
    },
    navigate: (message) => screen.navigate(message),
    delivery: (message) => say(`${message.triggerId}: ${message.state}`),
    clear: screen.clear,
    error: screen.error,
    identify: (message) => say(`This is ${message.label}`),
    end: () => process.exit(1),
  },
});
