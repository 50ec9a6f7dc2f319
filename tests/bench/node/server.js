// The controls: Socket.IO on Node, as plain as it gets. `node server.js PORT [REDIS_PORT]`.
//
// A trigger comes by HTTP, in a batch or as an event, and its `navigate` goes to the room of its screen. Nothing is kept,
// checked, looked up or repeated. With a Redis port, what is sent goes through the Redis Streams adapter first, and a
// trigger is answered when its stream has it.
import { createServer } from "node:http";
import process from "node:process";
import { Server } from "socket.io";

const NAVIGATE_SECONDS = 600;
const EVENT = 2;

const [port, redisPort] = process.argv.slice(2).map(Number);
const http = createServer(answer);
const io = new Server(http, { adapter: await adapter(), serveClient: false });

io.on("connection", (socket) => {
  const { displays, client } = socket.handshake.auth;
  if (displays) socket.join(client.name);
  socket.emit("welcome", { sessionId: socket.id });
  socket.on("ack", () => {});
  socket.on("trigger", async (body, done) => done({ success: true, data: await relay(body, socket.handshake.headers.host) }));
});
http.listen(port, "127.0.0.1", 4096);
process.on("SIGTERM", () => process.exit(0));

async function adapter() {
  if (!redisPort) return undefined;
  const { createAdapter } = await import("@socket.io/redis-streams-adapter");
  const { createClient } = await import("redis");
  return createAdapter(await createClient({ url: `redis://127.0.0.1:${redisPort}` }).connect());
}

async function relay(body, host) {
  const now = Date.now();
  const id = `${body.id}:${body.screenId}`;
  const navigate = {
    id,
    triggerId: body.id,
    orderId: body.orderId,
    url: `http://${host}/documents/${body.orderId}.html?until=${now + 1000 * NAVIGATE_SECONDS}&signature=${"0".repeat(43)}`,
    title: body.orderId,
    contentType: "text/html",
    displayIndex: 0,
    seq: 1,
    round: 1,
    attempt: 1,
    acceptedAt: now,
    expiresAt: now + 1000 * NAVIGATE_SECONDS,
  };
  // What io.to(room).emit does; only that this way the adapter says when it is done.
  const packet = { type: EVENT, data: ["navigate", navigate], nsp: "/" };
  await io.of("/").adapter.broadcast(packet, { rooms: new Set([body.screenId]), except: new Set(), flags: {} });
  const deliveries = [{ id, screenId: body.screenId, state: "sent", final: false }];
  return { id: body.id, status: "accepted", duplicate: false, deliveries };
}

const ways = {
  "/api/trigger": async (body, host) => [202, await relay(body, host)],
  "/api/triggers": async (body, host) => {
    const found = await Promise.all(body.triggers.map((each) => relay(each, host)));
    return [200, { results: found.map((each) => ({ status: 202, body: each })) }];
  },
};

function answer(request, response) {
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", async () => {
    const way = ways[request.url];
    if (!way) return response.writeHead(404).end();
    const [status, body] = await way(JSON.parse(Buffer.concat(parts).toString()), request.headers.host);
    const text = Buffer.from(JSON.stringify(body));
    response.writeHead(status, { "Content-Type": "application/json", "Content-Length": text.length }).end(text);
  });
}
