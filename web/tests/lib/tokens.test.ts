import "../browser";
import assert from "node:assert/strict";
import { test } from "node:test";
import { ProblemError, problemOf } from "../../src/lib/errors";
import { type Held, TokenManager } from "../../src/lib/tokens";
import { NoCredential } from "../../src/lib/wire/connection";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** An appliance, a shared storage, and a PC whose clocks and timers stand still until they are moved. */
class World {
  wall = 1_800_000_000_000;
  monotonic = 5_000;
  stored: Held | null = null;
  /** What the appliance was asked for, newest last. */
  asked: string[] = [];
  /** Answers with a code instead, by path. */
  broken: Record<string, string> = {};
  accessSeconds = 900;
  private refresh = { good: "r0", until: Number.POSITIVE_INFINITY };
  private secret = "s0";
  private number = 0;
  private timers: { at: number; call: () => void }[] = [];
  private readonly windows: (() => void)[] = [];
  private turn: Promise<unknown> = Promise.resolve();

  pair(): Held {
    return {
      screenId: "S-1",
      accessToken: `a${this.number}`,
      refreshToken: this.refresh.good,
      expiresIn: this.accessSeconds,
      deviceSecret: this.secret,
      serverUrl: "http://x",
      instanceId: "i",
      givenAt: this.wall,
    };
  }

  window(): TokenManager {
    const mine = { changed: () => {} };
    this.windows.push(() => mine.changed());
    return new TokenManager({
      held: this.stored,
      read: async () => this.stored,
      write: (held) => {
        this.stored = held;
        for (const changed of this.windows) changed();
      },
      onWritten: (changed) => {
        mine.changed = changed;
      },
      alone: (work) => {
        const next = this.turn.then(work, work);
        this.turn = next.catch(() => {});
        return next;
      },
      post: async <T>(path: string, body: unknown) => (await this.answer(path, body as Record<string, string>)) as T,
      now: () => this.wall,
      monotonic: () => this.monotonic,
      setTimer: (call, ms) => this.timers.push({ at: this.monotonic + ms, call }),
    });
  }

  /** The refresh token ends. */
  endRefresh(): void {
    this.refresh.until = this.wall;
  }

  async awake(ms: number): Promise<void> {
    const end = this.monotonic + ms;
    for (let step = 0; step < 5_000; step++) {
      await settle();
      const due = this.timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
      const to = due ? Math.max(due.at, this.monotonic) : end;
      this.wall += to - this.monotonic;
      this.monotonic = to;
      if (!due) return;
      this.timers.splice(this.timers.indexOf(due), 1);
      due.call();
    }
    throw new Error("timers without end");
  }

  /** The PC sleeps: wall time passes, the other clock and the timers stand still. */
  asleep(ms: number): void {
    this.wall += ms;
  }

  private async answer(path: string, body: Record<string, string>): Promise<unknown> {
    await new Promise((done) => setImmediate(done));
    this.asked.push(path.replace("/api/auth/", ""));
    const code = this.broken[path];
    if (code) throw new ProblemError({ ...problemOf(code), retryAfterSeconds: code === "RATE_LIMITED" ? 30 : null });
    if (path === "/api/auth/refresh") {
      if (body.refreshToken !== this.refresh.good) throw new ProblemError(problemOf("TOKEN_INVALID"));
      if (this.wall >= this.refresh.until) throw new ProblemError(problemOf("TOKEN_EXPIRED"));
    } else {
      if (body.deviceSecret !== this.secret) throw new ProblemError(problemOf("TOKEN_INVALID"));
      this.secret = `s${this.number + 1}`;
    }
    this.number++;
    this.refresh = { good: `r${this.number}`, until: this.wall + 24 * HOUR };
    const { accessToken, refreshToken, expiresIn, ...rest } = this.pair();
    const { givenAt, ...whole } = rest;
    return { accessToken, refreshToken, expiresIn, ...(path === "/api/auth/device" ? whole : {}) };
  }
}

/** Long enough for a whole renewal where nothing waits. */
async function settle(): Promise<void> {
  for (let tick = 0; tick < 6; tick++) await new Promise((done) => setImmediate(done));
}

function paired(seconds = 900): World {
  const world = new World();
  world.accessSeconds = seconds;
  world.stored = world.pair();
  return world;
}

test("renewed a minute before the end, again and again", async () => {
  const world = paired();
  const tokens = world.window();
  const renewed: string[] = [];
  tokens.onRenewed = (token) => renewed.push(token);
  tokens.watch();
  await world.awake(14 * MINUTE - 1);
  assert.deepEqual(renewed, []);
  await world.awake(1);
  assert.deepEqual(renewed, ["a1"]);
  await world.awake(14 * MINUTE * 3);
  assert.deepEqual(renewed, ["a1", "a2", "a3", "a4"]);
  assert.deepEqual(world.asked, ["refresh", "refresh", "refresh", "refresh"]);
  assert.equal(await tokens.token(), "a4");
});

test("a token that lives less than two minutes is renewed at half its life", async () => {
  const world = paired(6);
  world.window().watch();
  await world.awake(30_000);
  assert.equal(world.asked.length, 10);
});

test("after a sleep past the end the next hello has a new token, and a timer soon sees it too", async () => {
  for (const wakes of ["hello", "timer"]) {
    const world = paired();
    const tokens = world.window();
    tokens.watch();
    await world.awake(MINUTE);
    world.asleep(3 * HOUR);
    if (wakes === "hello") assert.equal(await tokens.token(), "a1");
    await world.awake(5_000);
    assert.equal(await tokens.token(), "a1");
    assert.deepEqual(world.asked, ["refresh"]);
  }
});

test("after a sleep past the refresh token's end the device secret is used", async () => {
  const world = paired();
  const tokens = world.window();
  tokens.watch();
  world.endRefresh();
  world.asleep(60 * HOUR);
  assert.equal(await tokens.token(), "a1");
  assert.deepEqual(world.asked, ["refresh", "device"]);
  assert.equal(world.stored?.deviceSecret, "s1");
  world.asleep(HOUR);
  assert.equal(await tokens.token(), "a2");
});

test("a clock that was set back doesn't keep an old token alive", async () => {
  const world = paired();
  world.window().watch();
  world.asleep(-12 * HOUR);
  await world.awake(14 * MINUTE);
  assert.deepEqual(world.asked, ["refresh"]);
});

test("the appliance's word on the end counts over both clocks", async () => {
  const world = paired();
  const tokens = world.window();
  tokens.watch();
  tokens.expiring(60);
  await world.awake(10);
  assert.deepEqual(world.asked, ["refresh"]);
  tokens.expiring(300); // not yet time
  await world.awake(4 * MINUTE - 10);
  assert.deepEqual(world.asked, ["refresh"]);
  await world.awake(10);
  assert.deepEqual(world.asked, ["refresh", "refresh"]);
});

test("of several windows that wake together one asks, and all have its token", async () => {
  const world = paired();
  const windows = [world.window(), world.window(), world.window()];
  for (const tokens of windows) tokens.watch();
  world.asleep(HOUR);
  assert.deepEqual(await Promise.all(windows.map((tokens) => tokens.token())), ["a1", "a1", "a1"]);
  await world.awake(10_000);
  assert.deepEqual(world.asked, ["refresh"]);
});

test("where the appliance can't be reached, the token is used to its end and the pairing stays", async () => {
  const world = paired();
  const tokens = world.window();
  tokens.watch();
  world.broken = { "/api/auth/refresh": "CONNECTION_REFUSED" };
  await world.awake(14 * MINUTE + 30_000);
  assert.equal(world.asked.length, 7); // every five seconds
  assert.equal(await tokens.token(), "a0");
  await world.awake(30_000);
  await assert.rejects(tokens.token(), ProblemError);
  world.broken = {};
  assert.equal(await tokens.token(), "a1");
});

test("an appliance that is asked too often is left alone for as long as it says", async () => {
  const world = paired();
  const tokens = world.window();
  tokens.watch();
  world.broken = { "/api/auth/refresh": "RATE_LIMITED" };
  world.asleep(HOUR);
  await world.awake(25_000);
  await assert.rejects(tokens.token(), ProblemError);
  assert.deepEqual(world.asked, ["refresh"]);
  world.broken = {};
  await world.awake(15_000);
  assert.equal(await tokens.token(), "a1");
});

test("refused everywhere is the end of the pairing, and only that is", async () => {
  const world = paired();
  const tokens = world.window();
  world.broken = { "/api/auth/refresh": "TOKEN_INVALID", "/api/auth/device": "TOKEN_INVALID" };
  tokens.refuse("a0");
  await assert.rejects(tokens.token(), NoCredential);
  assert.deepEqual(world.asked, ["refresh", "device"]);
  world.broken = { "/api/auth/refresh": "NOT_FOUND" };
  await assert.rejects(tokens.token(), ProblemError);
  world.broken = {};
  assert.equal(await tokens.token(), "a1");
});

test("renewed tokens that are refused too lead on to the secret, then to the end", async () => {
  const world = paired();
  const tokens = world.window();
  for (let hello = 0; hello < 3; hello++) tokens.refuse(await tokens.token());
  await assert.rejects(tokens.token(), NoCredential);
  assert.deepEqual(world.asked, ["refresh", "device"]);
  tokens.accepted();
  assert.equal(await tokens.token(), "a2");
});

test("becoming another screen while a renewal is on its way isn't undone by its answer", async () => {
  const world = paired();
  const tokens = world.window();
  const other = world.window();
  const heard: (string | null)[] = [];
  other.onPairing = (pairing) => heard.push(pairing?.screenId ?? null);
  world.asleep(HOUR);
  const renewal = tokens.token();
  tokens.adopt({ ...world.pair(), screenId: "S-2", accessToken: "b0" });
  assert.equal(await renewal, "b0");
  await settle();
  assert.equal(world.stored?.screenId, "S-2");
  assert.deepEqual(heard, ["S-2"]);
  tokens.forget();
  await settle();
  assert.deepEqual(heard, ["S-2", null]);
  await assert.rejects(other.token(), NoCredential);
});
