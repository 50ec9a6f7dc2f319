// Clients that lose their connection and come back. `node reconnect.js own|socketio BASE PAIRINGS [CLIENT]`.
//
// PAIRINGS is a file with a JSON pairing a line, CLIENT the appliance's own client, bundled for Node. Each welcome is
// printed with its moment, in ns by the clock that all processes of a machine share. The end of stdin ends it.
import { readFileSync } from "node:fs";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { io } from "socket.io-client";
import { WebSocket } from "ws";

const [kind, base, pairings, client] = process.argv.slice(2);
const displays = [{ index: 0, name: "bench", primary: true }];
const welcomed = () => process.stdout.write(`${process.hrtime.bigint()}\n`);

async function own() {
  const { Connection, wiresTo } = await import(pathToFileURL(client).href);
  const openSocket = (url, protocol) => new WebSocket(url, protocol);
  return (pairing) =>
    new Connection({
      wires: wiresTo({ base, openSocket }),
      token: async () => pairing.accessToken,
      refused: () => process.stderr.write("a token was refused\n"),
      hello: () => ({ client: { name: pairing.screenId, version: "bench" }, capabilities: ["shown"], restore: false, displays }),
      onLink: (link) => link.kind === "open" && welcomed(),
      onMessage: () => {},
    }).start();
}

function socketio() {
  return (pairing) => {
    const auth = { token: pairing.accessToken, client: { name: pairing.screenId, version: "bench" }, displays };
    const socket = io(base, { auth, transports: ["websocket"], forceNew: true });
    socket.on("welcome", welcomed);
    socket.on("connect_error", (error) => error.data && process.stderr.write(`${error.message}\n`));
  };
}

const connect = kind === "own" ? await own() : socketio();
for (const line of readFileSync(pairings, "utf8").trim().split("\n")) connect(JSON.parse(line));
process.stdin.resume().on("end", () => process.exit(0));
