import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { Connection, type Link, NoCredential } from "../../src/station/connection";

class FakeSocket {
  readyState = 0;
  sent: Record<string, unknown>[] = [];
  isClosed = false;
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: never) => void) | null = null;
  onclose: ((event: never) => void) | null = null;
  onerror: ((event: never) => void) | null = null;

  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }
  close(): void {
    this.isClosed = true;
  }
  accept(): void {
    this.readyState = 1;
    this.onopen?.({} as never);
  }
  say(message: object): void {
    this.onmessage?.({ data: JSON.stringify(message) } as never);
  }
  end(code: number): void {
    this.onclose?.({ code } as never);
  }
}

const WELCOME = { type: "welcome", sessionId: "s", heartbeatSeconds: 20, epoch: "e1" };
const soon = async (): Promise<void> => {
  for (let at = 0; at < 10; at++) await Promise.resolve();
};

function setup({ tokens = ["t1"] }: { tokens?: string[] } = {}) {
  const sockets: FakeSocket[] = [];
  const links: Link[] = [];
  const refused: string[] = [];
  const heard: string[] = [];
  let clock = 0;
  const connection = new Connection({
    open: () => {
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket as never;
    },
    token: async () => {
      const token = tokens[refused.length];
      if (!token) throw new NoCredential();
      return token;
    },
    refused: (token) => refused.push(token),
    hello: () => ({ client: { name: "test", version: "1" }, capabilities: ["shown"], restore: true }),
    onLink: (link) => links.push(link),
    onMessage: (message) => heard.push(message.type),
    now: () => clock,
    random: () => 1,
  });
  const tick = async (ms: number): Promise<void> => {
    clock += ms;
    mock.timers.tick(ms);
    await soon();
  };
  const last = (): FakeSocket => sockets.at(-1) as FakeSocket;
  const open = async (): Promise<void> => {
    await connection.start();
    last().accept();
    last().say(WELCOME);
  };
  return { connection, sockets, links, refused, heard, tick, last, open };
}

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
});

test("says hello first, answers ping, hands on the rest", async () => {
  const { connection, last, open, heard } = setup();
  await open();
  assert.equal(last().sent[0]?.type, "hello");
  assert.equal(last().sent[0]?.token, "t1");
  last().say({ type: "ping", t: 42 });
  assert.deepEqual(last().sent[1], { type: "pong", t: 42 });
  last().say({ type: "clear" });
  assert.deepEqual(heard, ["welcome", "clear"]);
  assert.equal(connection.link.kind, "open");
});

test("comes back with growing waits, for ever", async () => {
  const { sockets, last, open, tick, links } = setup();
  await open();
  last().end(1006);
  for (const wait of [100, 150, 225]) {
    const before = sockets.length;
    await tick(wait - 1);
    assert.equal(sockets.length, before);
    await tick(1);
    assert.equal(sockets.length, before + 1);
    last().end(1006);
  }
  for (let at = 0; at < 40; at++) await tick(5_000).then(() => last().end(1006));
  assert.ok(sockets.length > 35);
  assert.ok(links.some((link) => link.kind === "waiting" && link.code === "CONNECTION_REFUSED"));
});

test("waits as long as a goodbye asks", async () => {
  const { sockets, last, open, tick } = setup();
  await open();
  last().say({ type: "goodbye", reason: "restart", reconnectAfterMs: 3_000 });
  last().end(1012);
  await tick(2_999);
  assert.equal(sockets.length, 1);
  await tick(1);
  assert.equal(sockets.length, 2);
});

test("a link that says nothing for a heartbeat and ten seconds is given up", async () => {
  const { sockets, last, open, tick } = setup();
  await open();
  await tick(20_000);
  last().say({ type: "ping", t: 1 });
  await tick(29_999);
  assert.equal(sockets[0]?.isClosed, false);
  await tick(1);
  assert.equal(sockets[0]?.isClosed, true);
  await tick(100);
  assert.equal(sockets.length, 2);
});

test("a socket that never welcomes is given up, and its late words are not heard", async () => {
  const { sockets, tick, connection, heard } = setup();
  await connection.start();
  sockets[0]?.accept();
  const late = sockets[0]?.onmessage;
  await tick(10_000);
  assert.equal(sockets[0]?.isClosed, true);
  late?.({ data: JSON.stringify(WELCOME) } as never);
  assert.deepEqual(heard, []);
});

test("never offers a refused token again, and ends when none is left", async () => {
  const { sockets, links, refused, tick, connection } = setup({ tokens: ["t1", "t2"] });
  await connection.start();
  sockets[0]?.accept();
  sockets[0]?.end(4401);
  await tick(0);
  sockets[1]?.accept();
  assert.equal(sockets[1]?.sent[0]?.token, "t2");
  sockets[1]?.end(4403);
  await tick(0);
  assert.deepEqual(refused, ["t1", "t2"]);
  assert.equal(links.at(-1)?.kind, "unpaired");
  await tick(600_000);
  assert.equal(sockets.length, 2);
});

test("replaced by another window it keeps quiet until a person asks", async () => {
  const { sockets, last, open, tick, links, connection } = setup();
  await open();
  last().end(4409);
  assert.equal(links.at(-1)?.kind, "replaced");
  await tick(600_000);
  assert.equal(sockets.length, 1);
  await connection.start();
  assert.equal(sockets.length, 2);
});

test("sends nothing without a session, and says so", async () => {
  const { connection, last, open } = setup();
  assert.equal(connection.send({ type: "auth", token: "t" }), false);
  await connection.start();
  last().accept();
  assert.equal(connection.send({ type: "auth", token: "t" }), false);
  connection.stop();
  await open();
  assert.equal(connection.send({ type: "auth", token: "t" }), true);
});

test("survives frames that are no messages", async () => {
  const { last, open, heard } = setup();
  await open();
  for (const data of ["{", "7", "null", "[]", '{"type":1}']) last().onmessage?.({ data } as never);
  assert.deepEqual(heard, ["welcome"]);
});
