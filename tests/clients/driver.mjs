// Official Socket.IO clients of several versions in one process, told what to do by lines of JSON and telling what
// happens to them by lines of JSON:  node driver.mjs FOLDER-WITH-NODE_MODULES

import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";

const load = createRequire(join(process.argv[2], "package.json"));
const versions = { 3: load("socket.io-client-3").io, 4: load("socket.io-client").io };
const sockets = new Map();
const callbacks = [];

const tell = (told) => process.stdout.write(`${JSON.stringify(told)}\n`);

function outgoing(value) {
  if (typeof value === "function") return { $callback: callbacks.push(value) - 1 };
  if (Buffer.isBuffer(value) || value instanceof ArrayBuffer) return { $binary: Buffer.from(value).toString("base64") };
  if (Array.isArray(value)) return value.map(outgoing);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, outgoing(member)]));
}

function incoming(value) {
  if (Array.isArray(value)) return value.map(incoming);
  if (value === null || typeof value !== "object") return value;
  if (typeof value.$binary === "string") return Buffer.from(value.$binary, "base64");
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, incoming(member)]));
}

const orders = {
  open({ name, version, url, options }) {
    const socket = versions[version](url, { forceNew: true, ...options });
    sockets.set(name, socket);
    const event = (what, ...args) => tell({ name, event: what, args: args.map(outgoing) });
    socket.on("connect", () => event("connect", { sid: socket.id, recovered: socket.recovered ?? null }));
    socket.on("connect_error", (error) => {
      event("connect_error", { message: error.message, data: error.data ?? null, active: socket.active });
    });
    socket.on("disconnect", (reason) => event("disconnect", reason));
    socket.onAny((what, ...args) => event(what, ...args));
    socket.io.on("open", () => socket.io.engine.once("upgrade", (transport) => event("upgrade", transport.name)));
  },
  emit({ name, event, args, tag }) {
    const told = incoming(args);
    if (tag !== undefined) told.push((...answer) => tell({ name, tag, args: answer.map(outgoing) }));
    sockets.get(name).emit(event, ...told);
  },
  reply({ callback, args }) {
    callbacks[callback](...incoming(args));
  },
  auth({ name, auth }) {
    sockets.get(name).auth = auth;
  },
  connect({ name }) {
    sockets.get(name).connect();
  },
  // As a cable that is pulled.
  cut({ name }) {
    const { transport } = sockets.get(name).io.engine;
    if (transport.ws) transport.ws.terminate();
    else transport.onError("cut");
  },
  state({ name, tag }) {
    const socket = sockets.get(name);
    tell({ name, tag, args: [{ transport: socket.io.engine?.transport?.name, active: socket.active }] });
  },
  close({ name }) {
    sockets.get(name)?.close();
    sockets.delete(name);
  },
};

createInterface({ input: process.stdin })
  .on("line", (line) => {
    const order = JSON.parse(line);
    orders[order.do](order);
  })
  .on("close", () => process.exit());
tell({ event: "ready" });
