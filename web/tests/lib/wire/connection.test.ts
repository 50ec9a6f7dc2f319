import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import type { Answer } from "../../../src/lib/wire/choice";
import { Connection, type Link, NoCredential } from "../../../src/lib/wire/connection";
import { webSocketWire } from "../../../src/lib/wire/websocket";
import type { Wire, WireHandlers } from "../../../src/lib/wire/wire";

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

class FakeStream implements Wire {
  readonly name = "events";
  sent: string[] = [];
  isClosed = false;
  readonly handlers: WireHandlers;

  constructor(handlers: WireHandlers) {
    this.handlers = handlers;
  }
  send(message: { type: string }): boolean {
    this.sent.push(message.type);
    return true;
  }
  close(): void {
    this.isClosed = true;
  }
  welcome(): void {
    this.handlers.onOpen();
    this.handlers.onMessage(WELCOME as never);
  }
}

const WELCOME = { type: "welcome", sessionId: "s", heartbeatSeconds: 20, epoch: "e1" };
const soon = async (): Promise<void> => {
  for (let at = 0; at < 20; at++) await Promise.resolve();
};

function setup({ tokens = ["t1"], kept: text = null as string | null } = {}) {
  const sockets: FakeSocket[] = [];
  const streams: FakeStream[] = [];
  const links: Link[] = [];
  const refused: string[] = [];
  const heard: string[] = [];
  /** What lies between: whether plain HTTP is answered, and whether a WebSocket's frames would pass. */
  const way = { answers: "none" as Answer | "never", passes: false };
  const kept = { text };
  let clock = 0;
  const connection = new Connection({
    wires: {
      websocket: webSocketWire(() => {
        const socket = new FakeSocket();
        sockets.push(socket);
        return socket as never;
      }),
      events: (_hello, handlers) => {
        const stream = new FakeStream(handlers);
        streams.push(stream);
        return stream;
      },
      answers: async () => (way.answers === "never" ? new Promise<Answer>(() => {}) : way.answers),
      framesPass: async () => way.passes,
      store: {
        get: () => kept.text,
        set: (text) => {
          kept.text = text;
        },
      },
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
    clock: () => clock,
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
  return { connection, sockets, streams, way, kept, links, refused, heard, tick, last, open };
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

test("the longer it is kept waiting for a welcome, the longer it waits, up to a minute", async () => {
  const { sockets, open, last, tick } = setup();
  await open();
  last().end(1006);
  await tick(100);
  for (const patience of [10_000, 20_000, 40_000, 60_000, 60_000]) {
    const asked = last();
    asked.accept();
    await tick(patience - 1);
    assert.equal(asked.isClosed, false);
    await tick(1);
    assert.equal(asked.isClosed, true);
    await tick(5_000);
    assert.notEqual(last(), asked);
  }
  last().accept();
  last().say(WELCOME);
  await tick(10_000);
  last().end(1006);
  await tick(100);
  const before = sockets.length;
  last().accept();
  await tick(10_000);
  await tick(1_000);
  assert.equal(sockets.length, before + 1);
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

test("a nudge ends a wait, but not one that the appliance asked for, and never takes a screen back", async () => {
  const { connection, sockets, last, open, tick } = setup();
  await open();
  last().end(1006);
  connection.nudge();
  await soon();
  assert.equal(sockets.length, 2);
  last().accept();
  last().say(WELCOME);
  last().say({ type: "goodbye", reason: "restart", reconnectAfterMs: 3_000 });
  last().end(1012);
  connection.nudge();
  await tick(2_999);
  assert.equal(sockets.length, 2);
  await tick(1);
  last().accept();
  last().end(4409);
  connection.nudge();
  await tick(600_000);
  assert.equal(sockets.length, 3);
});

test("a nudged link has five seconds to show that it lives", async () => {
  const { connection, sockets, last, open, tick } = setup();
  await open();
  connection.nudge();
  assert.equal(last().sent.at(-1)?.type, "ping");
  await tick(4_999);
  last().say({ type: "pong", t: 0 });
  await tick(20_000);
  assert.equal(sockets[0]?.isClosed, false);
  connection.nudge();
  await tick(5_000);
  assert.equal(sockets[0]?.isClosed, true);
});

test("two refused upgrades while plain HTTP answers, and it goes by events and remembers it", async () => {
  const { connection, sockets, streams, way, kept, last, links, heard, tick } = setup();
  way.answers = "well";
  await connection.start();
  last().end(1006);
  await tick(100);
  assert.deepEqual([sockets.length, streams.length], [2, 0]);
  last().end(1006);
  await tick(150);
  assert.deepEqual([sockets.length, streams.length], [2, 1]);
  assert.equal(kept.text, null);
  streams[0]?.welcome();
  assert.deepEqual(heard, ["welcome"]);
  const link = links.at(-1);
  assert.equal(link?.kind === "open" && link.wire, "events");
  assert.notEqual(kept.text, null);
  assert.equal(connection.send({ type: "auth", token: "t2" }), true);
  assert.deepEqual(streams[0]?.sent, ["auth"]);
});

test("only a failure that may turn it to the other wire waits for what plain HTTP says", async () => {
  const { sockets, way, last, connection, tick } = setup();
  way.answers = "never";
  await connection.start();
  last().end(1006);
  await tick(100);
  assert.equal(sockets.length, 2);
  last().end(1006);
  await tick(150);
  assert.equal(sockets.length, 3);
});

test("one that may turn it waits", async () => {
  const { sockets, streams, way, last, connection, tick } = setup();
  way.answers = "well";
  await connection.start();
  last().end(1006);
  await tick(100);
  way.answers = "never";
  last().end(1006);
  await tick(1_000);
  assert.deepEqual([sockets.length, streams.length], [2, 0]);
});

test("an appliance that is away says nothing about the way to it", async () => {
  const { connection, streams, last, tick } = setup();
  await connection.start();
  for (let at = 0; at < 30; at++) await tick(1_000).then(() => last().end(1006));
  assert.equal(streams.length, 0);
});

test("a wire that is taken and says nothing is left after one look, as long as plain HTTP answers", async () => {
  const { connection, sockets, streams, way, last, tick } = setup();
  await connection.start();
  last().accept();
  await tick(2_000);
  assert.equal(sockets[0]?.isClosed, false, "nothing answers: it may just be slow");
  await tick(8_000);
  assert.equal(sockets[0]?.isClosed, true);
  connection.stop();
  await tick(60_000); // as long as it may be for the crowd after an outage
  way.answers = "well";
  await connection.start();
  last().accept();
  await tick(2_000);
  await tick(225);
  assert.deepEqual([sockets.length, streams.length], [2, 1]);
});

test("while everybody comes back after an outage, it stays in the queue and blames the way for little", async () => {
  const { sockets, streams, way, last, open, tick } = setup();
  await open();
  last().say({ type: "goodbye", reason: "restart", reconnectAfterMs: 100 });
  last().end(1012);
  way.answers = "well";
  await tick(100);
  last().accept();
  await tick(9_000);
  assert.equal(sockets[1]?.isClosed, false, "a welcome that is late");
  last().end(1006);
  for (let at = 0; at < 10; at++) await tick(1_000).then(() => last().end(1006));
  assert.equal(streams.length, 0, "refused for their number");
  for (let at = 0; at < 60 && !streams.length; at++) await tick(1_000).then(() => last().end(1006));
  assert.equal(streams.length, 1, "but not for ever");
});

test("an appliance that says it is busy says nothing about the way to it", async () => {
  const { connection, streams, way, last, tick } = setup();
  way.answers = "busy";
  await connection.start();
  for (let at = 0; at < 90; at++) await tick(1_000).then(() => last().end(1006));
  assert.equal(streams.length, 0);
});

test("a session that lived long clears the way of suspicion, however it ends", async () => {
  for (const ending of [4429, 1012]) {
    const { connection, streams, way, last, tick } = setup();
    way.answers = "well";
    const session = async (ms: number, code: number): Promise<void> => {
      last().accept();
      last().say(WELCOME);
      for (let at = 0; at < ms; at += 10_000) {
        await tick(10_000);
        last().say({ type: "ping", t: at });
      }
      if (code === 1012) last().say({ type: "goodbye", reason: "restart", reconnectAfterMs: 100 });
      last().end(code);
      await tick(100);
    };
    await connection.start();
    await session(10_000, 1006);
    await session(60_000, ending);
    await session(10_000, 1006);
    assert.equal(streams.length, 0, `${ending}`);
  }
});

test("sessions that break as soon as they are welcomed are waited for longer each time", async () => {
  const { sockets, last, open, tick } = setup();
  await open();
  for (const wait of [100, 150, 225, 338]) {
    const before = sockets.length;
    last().end(1006);
    await tick(wait - 1);
    assert.equal(sockets.length, before);
    await tick(1);
    assert.equal(sockets.length, before + 1);
    last().accept();
    last().say(WELCOME);
  }
  await tick(10_000);
  last().end(1006);
  const before = sockets.length;
  await tick(100);
  assert.equal(sockets.length, before + 1, "one that settled ends that");
});

test("a token that is refused after each welcome is no reason to hurry", async () => {
  const { connection, sockets, last, tick } = setup({ tokens: ["t1", "t2", "t3"] });
  await connection.start();
  for (let at = 1; at < 3; at++) {
    last().accept();
    last().say(WELCOME);
    last().end(4403);
    await tick(0);
    assert.equal(sockets.length, at);
    await tick(150);
    assert.equal(sockets.length, at + 1);
  }
});

test("an upgrade that nobody answers counts as refused, as long as plain HTTP answers", async () => {
  const { connection, sockets, streams, way, tick } = setup();
  way.answers = "well";
  await connection.start();
  await tick(4_000);
  await tick(100);
  assert.deepEqual([sockets.length, streams.length], [2, 0]);
  await tick(4_000);
  await tick(150);
  assert.deepEqual([sockets.length, streams.length], [2, 1]);
  assert.ok(sockets.every(({ isClosed }) => isClosed));
});

test("sessions that break young, twice, are taken for the way's fault; old ones never", async () => {
  const { connection, streams, way, last, tick } = setup();
  way.answers = "well";
  const session = async (ms: number): Promise<void> => {
    last().accept();
    last().say(WELCOME);
    for (let at = 0; at < ms; at += 10_000) {
      await tick(10_000);
      last().say({ type: "ping", t: at });
    }
    last().end(1006);
    await tick(100);
  };
  await connection.start();
  for (let at = 0; at < 5; at++) await session(60_000);
  await session(10_000);
  await session(60_000);
  await session(10_000);
  assert.equal(streams.length, 0);
  await session(10_000);
  assert.equal(streams.length, 1);
});

test("what the appliance itself closes is no reason to leave WebSocket", async () => {
  const { connection, streams, way, last, tick } = setup();
  way.answers = "well";
  await connection.start();
  for (const code of [4429, 4430, 4413, 4400, 4429]) {
    last().accept();
    last().end(code);
    await tick(1_000);
  }
  last().accept();
  last().say(WELCOME);
  for (let at = 0; at < 3; at++) {
    last().say({ type: "goodbye", reason: "restart", reconnectAfterMs: 10 });
    last().end(1012);
    await tick(10);
    last().accept();
    last().say(WELCOME);
  }
  assert.equal(streams.length, 0);
});

test("on events it tries WebSocket again, rarer each time, and goes back when frames pass", async () => {
  const { connection, sockets, streams, way, kept, last, links, tick } = setup();
  way.answers = "well";
  await connection.start();
  for (const wait of [100, 150]) {
    last().end(1006);
    await tick(wait);
  }
  streams[0]?.welcome();
  const quiet = async (ms: number): Promise<void> => {
    for (let at = 0; at < ms; at += 10_000) {
      await tick(10_000);
      streams.at(-1)?.handlers.onMessage({ type: "ping", t: at });
    }
  };
  await quiet(11 * 60_000);
  assert.equal(streams[0]?.isClosed, false, "the trial failed and nobody noticed");
  way.passes = true;
  await quiet(19 * 60_000 - 10_000);
  assert.equal(sockets.length, 2, "the second wait is twice as long");
  await quiet(10_000);
  assert.equal(streams[0]?.isClosed, true);
  assert.equal(sockets.length, 3);
  last().accept();
  last().say(WELCOME);
  const link = links.at(-1);
  assert.equal(link?.kind === "open" && link.wire, "websocket");
  assert.equal(kept.text, null);
});

test("a page that is opened again begins with what was remembered, for as long as it counts", async () => {
  for (const [until, expected] of [
    [1, "events"],
    [0, "websocket"],
    [Number.MAX_SAFE_INTEGER, "websocket"],
    ["x", "websocket"],
  ]) {
    const { connection, sockets, streams } = setup({ kept: JSON.stringify({ until, periodMs: 600_000 }) });
    await connection.start();
    assert.deepEqual([sockets.length, streams.length], expected === "events" ? [0, 1] : [1, 0], `${until}`);
  }
});

test("remembered events that fail twice while plain HTTP answers are left for WebSocket", async () => {
  const { connection, sockets, streams, way, tick } = setup({ kept: '{"until":1000000,"periodMs":600000}' });
  way.answers = "well";
  await connection.start();
  streams[0]?.handlers.onClose(1006);
  await tick(100);
  assert.deepEqual([sockets.length, streams.length], [0, 2], "once may be chance");
  streams[1]?.handlers.onClose(1006);
  await tick(150);
  assert.deepEqual([sockets.length, streams.length], [1, 2]);
});

test("an appliance that is back between a failure on events and the question keeps its clients on events", async () => {
  const { connection, sockets, streams, way, tick } = setup({ kept: '{"until":1000000,"periodMs":600000}' });
  way.answers = "well";
  await connection.start();
  streams[0]?.handlers.onClose(1006);
  await tick(100);
  streams[1]?.welcome();
  await tick(20_000);
  way.answers = "none";
  streams[1]?.handlers.onClose(1006);
  await tick(100);
  streams[2]?.handlers.onClose(1006);
  way.answers = "well";
  await tick(150);
  streams[3]?.handlers.onClose(1006);
  await tick(225);
  streams[4]?.welcome();
  assert.deepEqual([sockets.length, streams.length], [0, 5]);
});

test("events that never come back after an outage are left for WebSocket in the end", async () => {
  const { connection, sockets, streams, way, tick } = setup({ kept: '{"until":1000000,"periodMs":600000}' });
  await connection.start();
  streams[0]?.handlers.onClose(1006);
  await tick(100);
  way.answers = "well";
  for (let at = 0; at < 60 && !sockets.length; at++) {
    streams.at(-1)?.handlers.onClose(1006);
    await tick(1_000);
  }
  assert.deepEqual([sockets.length, streams.length], [1, 21]);
});
