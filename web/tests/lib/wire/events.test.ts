import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, test } from "node:test";
import { EventParser } from "../../../src/lib/wire/eventparser";
import { eventStreamWire } from "../../../src/lib/wire/events";
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
  wire?.close();
  appliance?.stop();
});

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

test("a post that can't be taken ends the wire; one that was wrong doesn't", async () => {
  const { appliance, wire, closes } = await opened();
  const answers = [400, 404, 204, 503];
  appliance.answer = (_post, response) => response.writeHead(answers.shift() ?? 204).end("{}");
  for (let at = 0; at < 3; at++) wire.send({ type: "ack", id: "d", status: "received" });
  await until(() => appliance.posts.length === 3);
  assert.deepEqual(closes, []);
  wire.send({ type: "ack", id: "d", status: "received" });
  await until(() => closes.length === 1);
  assert.deepEqual(closes, [1006]);
  assert.equal(wire.send({ type: "ping", t: 1 }), false);
});

test("a stream that the appliance has forgotten is no stream", async () => {
  const { appliance, wire, closes } = await opened();
  appliance.answer = (_post, response) => response.writeHead(404).end('{"code":"NOT_FOUND"}');
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
