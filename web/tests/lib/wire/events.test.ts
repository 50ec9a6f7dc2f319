import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, mock, test } from "node:test";
import { EventParser } from "../../../src/lib/wire/eventparser";
import { eventStreamWire, type Fetch } from "../../../src/lib/wire/events";
import type { Wire } from "../../../src/lib/wire/wire";

const HELLO = {
  type: "hello" as const,
  token: "t1",
  client: { name: "Chrome · Linux/x", version: "1.2" },
  capabilities: ["shown"],
  restore: true,
  displays: [{ index: 1 }],
};

type Post = { url: string; token: string; body: Record<string, unknown> };

/** An appliance as far as this wire sees it. */
class Appliance {
  posts: Post[] = [];
  url = "";
  subscription = new URL("http://none");
  /** Answers a POST; the stream's own connection is `stream`. */
  answer: (post: Post, response: ServerResponse) => void = (_post, response) => response.writeHead(204).end();
  /** A refusal in the appliance's own words. */
  problem(response: ServerResponse, status: number, code: string, more: object = {}): void {
    const body = { code, messages: { ko: "k", en: "e" }, action: { ko: "k", en: "e" }, retryable: true, ...more };
    response.writeHead(status, { "Content-Type": "application/problem+json" }).end(JSON.stringify(body));
  }
  refuse: { status: number; body: string } | null = null;
  stream: ServerResponse | null = null;
  private readonly server: Server;

  constructor() {
    this.server = createServer((request, response) => void this.serve(request, response));
  }
  async start(): Promise<string> {
    await new Promise<void>((done) => this.server.listen(0, "127.0.0.1", done));
    this.url = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    return this.url;
  }
  stop(): void {
    this.server.close();
    this.server.closeAllConnections();
  }
  say(event: string, data: object): void {
    this.stream?.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }
  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const token = request.headers.authorization ?? "";
    if (request.method === "GET") {
      this.subscription = new URL(request.url ?? "", this.url);
      if (this.refuse) {
        response.writeHead(this.refuse.status, { "Content-Type": "application/problem+json" }).end(this.refuse.body);
        return;
      }
      response.writeHead(200, { "Content-Type": "text/event-stream" }).write(": \n\n");
      this.stream = response;
      this.say("welcome", { sessionId: "s/1", heartbeatSeconds: 20, epoch: "e" });
      return;
    }
    let text = "";
    for await (const part of request) text += part;
    const post = { url: request.url ?? "", token, body: JSON.parse(text) };
    this.posts.push(post);
    this.answer(post, response);
  }
}

let appliance: Appliance | null = null;
let wire: Wire | null = null;

afterEach(() => {
  mock.timers.reset();
  wire?.close();
  appliance?.stop();
});

/** Long enough for all that needs no network and no clock. */
async function soon(): Promise<void> {
  for (let at = 0; at < 20; at++) await new Promise((done) => setImmediate(done));
}

async function until(found: () => boolean): Promise<void> {
  for (let at = 0; at < 500 && !found(); at++) await new Promise((done) => setTimeout(done, 5));
  assert.ok(found());
}

async function opened(refuse: Appliance["refuse"] = null) {
  const made = new Appliance();
  appliance = made;
  made.refuse = refuse;
  const heard: string[] = [];
  const closes: number[] = [];
  wire = eventStreamWire(await made.start(), fetch)(HELLO, {
    onOpen: () => heard.push("open"),
    onMessage: (message) => heard.push(message.type),
    onClose: (code) => closes.push(code),
  });
  if (!refuse) await until(() => heard.includes("welcome"));
  return { appliance: made, wire, heard, closes };
}

test("says in the address what hello says, and the token in a header alone", async () => {
  const { appliance, heard } = await opened();
  const { searchParams, pathname } = appliance.subscription;
  assert.equal(pathname, "/api/events/subscribe");
  assert.equal(searchParams.get("capabilities"), "shown");
  assert.equal(searchParams.get("restore"), "true");
  assert.equal(searchParams.get("client"), "Chrome · Linux-x/1.2");
  assert.equal(searchParams.get("displays"), '[{"index":1}]');
  assert.ok(!appliance.subscription.href.includes("t1"));
  assert.deepEqual(heard, ["open", "welcome"]);
});

test("posts arrive one after another, however slow the first, and a renewed token counts from then on", async () => {
  const { appliance, wire } = await opened();
  appliance.answer = (post, response) => {
    setTimeout(() => response.writeHead(204).end(), post.body.status === "received" ? 50 : 0);
  };
  assert.ok(wire.send({ type: "ack", id: "d", status: "received" }));
  assert.ok(wire.send({ type: "ack", id: "d", status: "shown", url: "u" }));
  assert.ok(wire.send({ type: "auth", token: "t2" }));
  assert.ok(wire.send({ type: "pong", t: 1 }));
  await until(() => appliance.posts.length === 3);
  assert.deepEqual(
    appliance.posts.map(({ url, token, body }) => [url, token, body.status ?? body.type]),
    [
      ["/api/events/ack", "Bearer t1", "received"],
      ["/api/events/ack", "Bearer t2", "shown"],
      ["/api/events/send?sessionId=s%2F1", "Bearer t2", "auth"],
    ],
  );
});

test("what ends a stream is the close code it would have been on a WebSocket", async () => {
  for (const [code, expected] of [
    ["SESSION_REPLACED", 4409],
    ["TOKEN_EXPIRED", 4401],
    ["PERMISSION_DENIED", 4403],
    ["SESSION_TOO_SLOW", 4430],
    ["SOMETHING_NEW", 1006],
  ] as const) {
    const { appliance, closes } = await opened();
    appliance.say("error", { code });
    appliance.stream?.end();
    await until(() => closes.length === 1);
    assert.deepEqual(closes, [expected], code);
    appliance.stop();
  }
});

test("an error that the stream outlives doesn't name its end", async () => {
  const { appliance, closes } = await opened();
  appliance.say("error", { code: "VALIDATION_ERROR" });
  appliance.say("ping", { t: 1 });
  appliance.stream?.end();
  await until(() => closes.length === 1);
  assert.deepEqual(closes, [1006]);
});

test("the appliance's refusal is told from a proxy's", async () => {
  for (const [status, body, expected] of [
    [401, '{"code":"TOKEN_EXPIRED"}', 4401],
    [403, '{"code":"PERMISSION_DENIED"}', 4403],
    [403, "<html>Forbidden by your administrator</html>", 1006],
    [401, '{"error":"proxy authentication"}', 1006],
    [404, '{"code":"NOT_FOUND"}', 1006],
    [200, "<html>a page instead of a stream</html>", 1006],
  ] as const) {
    const { closes, appliance } = await opened({ status, body });
    await until(() => closes.length === 1);
    assert.deepEqual(closes, [expected], body);
    appliance.stop();
  }
});

test("a post that somebody on the way refuses ends the wire; one that the appliance refuses doesn't", async () => {
  const { appliance, wire, closes } = await opened();
  const ours = [
    [400, "VALIDATION_ERROR"],
    [404, "NOT_FOUND"],
    [500, "INTERNAL_ERROR"],
  ] as const;
  let at = 0;
  appliance.answer = (_post, response) => {
    const [status, code] = ours[at++] ?? [0, ""];
    if (status) appliance.problem(response, status, code);
    else response.writeHead(503).end("<html>no upstream</html>");
  };
  for (const id of ["a", "b", "c"]) wire.send({ type: "ack", id, status: "received" });
  await until(() => appliance.posts.length === 3);
  assert.deepEqual(closes, []);
  wire.send({ type: "ack", id: "d", status: "received" });
  await until(() => closes.length === 1);
  assert.deepEqual(closes, [1006]);
  assert.equal(wire.send({ type: "ping", t: 1 }), false);
});

test("a token that is refused on a post ends the wire as it would have ended a WebSocket", async () => {
  for (const [status, code, expected] of [
    [401, "TOKEN_EXPIRED", 4401],
    [403, "PERMISSION_DENIED", 4403],
  ] as const) {
    const { appliance, wire, closes } = await opened();
    appliance.answer = (_post, response) => appliance.problem(response, status, code);
    wire.send({ type: "ack", id: "d", status: "received" });
    await until(() => closes.length === 1);
    assert.deepEqual(closes, [expected]);
    appliance.stop();
  }
});

/** A wire whose posts are answered in this process, where a test holds the clock. */
async function held(refusal: { status: number; retryAfter?: string } | null) {
  mock.timers.enable({ apis: ["setTimeout"] });
  const way = { refusal, posts: [] as string[], closes: [] as number[] };
  const body = new TransformStream<Uint8Array>();
  const direct: Fetch = async (url, init) => {
    if (init.method === "GET") {
      return new Response(body.readable, { headers: { "Content-Type": "text/event-stream" } });
    }
    const { id, type, status } = JSON.parse(String(init.body));
    way.posts.push(type === "ack" ? `${id} ${status}` : type);
    if (!way.refusal || !url.endsWith("/ack")) return new Response(null, { status: 204 });
    const headers = { "Content-Type": "application/problem+json", "Retry-After": way.refusal.retryAfter ?? "1" };
    return new Response('{"code":"STORAGE_UNAVAILABLE"}', { status: way.refusal.status, headers });
  };
  const opened = new Promise<void>((done) => {
    const onClose = (code: number): number => way.closes.push(code);
    wire = eventStreamWire("http://none", direct)(HELLO, { onOpen: done, onMessage: () => {}, onClose });
  });
  await opened;
  return { way, wire: wire as Wire };
}

test("acks that the appliance can't take now are kept and sent again, the newest of each delivery, in order", async () => {
  const { way, wire } = await held({ status: 503 });
  wire.send({ type: "ack", id: "a", status: "received" });
  await soon();
  wire.send({ type: "ack", id: "b", status: "received" });
  wire.send({ type: "ack", id: "a", status: "shown" });
  wire.send({ type: "auth", token: "t2" });
  await soon();
  assert.deepEqual(way.posts, ["a received", "auth"], "one refusal is enough for all");
  for (let at = 0; at < 3; at++) {
    mock.timers.tick(5_000);
    await soon();
  }
  assert.deepEqual(way.posts.slice(2), ["a shown", "a shown", "a shown"]);
  way.refusal = null;
  mock.timers.tick(5_000);
  await soon();
  assert.deepEqual(way.posts.slice(5), ["a shown", "b received"]);
  wire.send({ type: "ack", id: "c", status: "received" });
  await soon();
  assert.equal(way.posts.at(-1), "c received");
  mock.timers.tick(60_000);
  await soon();
  assert.equal(way.posts.length, 8);
  assert.deepEqual(way.closes, []);
});

test("an appliance that says how long is not asked earlier, and no more is kept than has room", async () => {
  const { way, wire } = await held({ status: 429, retryAfter: "10" });
  let kept = 0;
  while (kept < 1_000 && wire.send({ type: "ack", id: `${kept}`, status: "received" })) kept++;
  assert.ok(kept >= 200 && kept < 210, `${kept}`);
  await soon();
  mock.timers.tick(9_999);
  await soon();
  assert.equal(way.posts.length, 1);
  mock.timers.tick(1);
  await soon();
  assert.deepEqual(way.posts, ["0 received", "0 received"]);
});

test("a refused trigger is told once, and the stream goes on", async () => {
  const { appliance, wire, heard, closes } = await opened();
  const send = (id: string): boolean => wire.send({ type: "trigger", id, orderId: "ORD-1", target: "screen:S-1" });
  // What the appliance says of the trigger itself it also says on the stream.
  appliance.answer = (_post, response) => appliance.problem(response, 404, "ORDER_NOT_FOUND", { id: "t-1" });
  send("t-1");
  await until(() => appliance.posts.length === 1);
  appliance.answer = (_post, response) => appliance.problem(response, 403, "PERMISSION_DENIED", { id: "t-2" });
  send("t-2");
  await until(() => appliance.posts.length === 2);
  appliance.answer = (_post, response) => appliance.problem(response, 503, "SHUTTING_DOWN");
  send("t-3");
  await until(() => heard.includes("trigger:error"));
  assert.deepEqual(heard, ["open", "welcome", "trigger:error"]);
  assert.equal(appliance.posts.length, 3);
  assert.deepEqual(closes, []);
});

test("a stream that the appliance has forgotten is no stream", async () => {
  const { appliance, wire, closes } = await opened();
  appliance.answer = (_post, response) => appliance.problem(response, 404, "NOT_FOUND");
  wire.send({ type: "ping", t: 1 });
  await until(() => closes.length === 1);
  assert.deepEqual(closes, [1006]);
});

test("a closed wire lets go of the appliance and says nothing more", async () => {
  const { appliance, wire, closes } = await opened();
  const gone = new Promise((done) => appliance.stream?.on("close", done));
  wire.close();
  await gone;
  assert.deepEqual(closes, []);
});

test("events are read from pieces, whatever their line ends", () => {
  const text = `: comment\r\n\r\nevent: navigate\r\nid: 7\r\ndata: {"a":\r\ndata: "é"}\r\n\r\nretry: 10\n\ndata\rdata:b\r\revent:x\n\n`;
  const expected = [
    { event: "navigate", data: '{"a":\n"é"}' },
    { event: "message", data: "\nb" },
  ];
  for (const size of [1, 2, 3, 7, 1000]) {
    const parser = new EventParser();
    const events = [];
    for (let at = 0; at < text.length; at += size) events.push(...parser.feed(text.slice(at, at + size)));
    assert.deepEqual(events, expected, `in pieces of ${size}`);
  }
  assert.throws(() => new EventParser().feed("x".repeat(2 ** 20 + 1)), RangeError);
});
