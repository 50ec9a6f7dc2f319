import "../browser";
import assert from "node:assert/strict";
import { test } from "node:test";
import { Joining } from "../../extension/worker/joining";
import { Keeper, type Kept, type Lasting, type Passing } from "../../extension/worker/kept";
import { Log } from "../../extension/worker/log";
import { Managed } from "../../extension/worker/managed";
import { Offers } from "../../extension/worker/offers";
import type { Pairer } from "../../extension/worker/pairing";
import { NO_POLICY, type Policy } from "../../extension/worker/policy";
import type { Question } from "../../extension/worker/question";
import { Search } from "../../extension/worker/search";
import { type Common, Situation } from "../../extension/worker/situation";
import type { Workplace } from "../../extension/worker/workplace";
import type { Pairing } from "../../src/lib/pairing";
import { pause } from "../../src/lib/pause";

const NAMED = "http://10.0.0.7:8480";
const OTHER = "http://vooster.local:8480";
const SECRET = "s".repeat(43);
const IDS: Record<string, string> = { [NAMED]: "named-plant", [OTHER]: "another-plant" };
const POLICY: Policy = {
  ...NO_POLICY,
  base: NAMED,
  instanceId: "named-plant",
  screenId: "S-1",
  deviceSecret: SECRET,
};

function pairingWith(base: string, screenId: string): Pairing {
  return { screenId, instanceId: IDS[base] ?? "", serverUrl: base } as Pairing;
}

/** The clock of worker and tests, so far ahead of the machine's. */
let ahead = 0;
const now = performance.now.bind(performance);
performance.now = () => now() + ahead;

function memory(): Kept {
  const area = { get: async () => ({}), set: async () => {}, remove: async () => {} };
  return { lasting: new Keeper<Lasting>(area, {}), passing: new Keeper<Passing>(area, {}) };
}

/** An extension whose network answers when the test says so, and what was sent to whom. */
class Bench {
  readonly sent: { origin: string; body: string }[] = [];
  readonly situation: Situation;
  readonly managed: Managed;
  readonly search: Search;
  readonly joining: Joining;
  readonly offers: Offers;
  /** Who was asked for what an appliance says of itself. */
  readonly looked: string[] = [];
  pairing: Pairing | null = null;
  /** Somebody approves the code on the monitor. */
  approve: (pairing: Pairing) => void = () => {};
  /** What the appliance says to a secret instead of taking it, as often as it stands here; null for a dead line. */
  readonly troubles: (Response | null)[] = [];
  readonly kept: Kept;
  private readonly waiting: (() => void)[] = [];

  /** `kept` of another one is what a worker finds that was woken after a rest. */
  constructor(kept = memory()) {
    this.kept = kept;
    this.situation = new Situation(kept.lasting);
    const bench = this;
    const screen = {
      get pairing() {
        return bench.pairing;
      },
      tokens: {
        adopt: (pairing: Pairing) => {
          this.pairing = pairing;
        },
        forget: () => {
          this.pairing = null;
        },
      },
      start: () => {},
      stop: () => {},
      orders: { empty: () => {} },
    };
    const common = {
      kept,
      log: new Log(kept.lasting),
      alerts: { found: () => {}, settled: () => {} },
      screen,
      situation: this.situation,
      changed: () => {},
      begin: () => {
        this.situation.phase = this.pairing ? { kind: "paired" } : { kind: "looking", nothing: false };
        if (!this.pairing) void this.search.look();
      },
    } as unknown as Common;
    const pairer = {
      ask: () =>
        new Promise<Pairing>((done) => {
          this.approve = done;
        }),
      stop: () => {},
    } as unknown as Pairer;
    const workplace = { displays: [], showOwn: async () => {} } as unknown as Workplace;
    this.joining = new Joining(common, pairer, workplace);
    const question = { isDeclined: () => false, show: async () => {} } as unknown as Question;
    this.offers = new Offers(common, question, this.joining, workplace);
    this.search = new Search(common, (appliance) => this.joining.connect(appliance));
    this.managed = new Managed(common, this.joining, pairer, this.search);
    globalThis.fetch = (async (input: string, init: RequestInit = {}) => {
      const { origin, pathname } = new URL(input);
      if (pathname === "/.well-known/vooster") {
        this.looked.push(origin);
        // The other one's answers take their time.
        if (origin === OTHER) await new Promise<void>((done) => this.waiting.push(done));
        return Response.json({ product: "vooster", instanceId: IDS[origin], name: origin, version: "1" });
      }
      this.sent.push({ origin, body: String(init.body) });
      const trouble = this.troubles.shift();
      if (trouble === null) throw new TypeError("Failed to fetch");
      if (trouble) return trouble;
      return Response.json(pairingWith(origin, "S-1"));
    }) as typeof fetch;
  }

  /** What the log says. */
  get said(): string[] {
    return new Log(this.kept.lasting).entries.map(({ text }) => text.en);
  }

  /** Resolves once the other one has been asked so often. */
  async asked(times: number): Promise<void> {
    await until(() => this.waiting.length >= times);
  }

  theOtherAnswers(): void {
    for (const answer of this.waiting.splice(0)) answer();
  }
}

async function until(isSo: () => boolean): Promise<void> {
  const end = performance.now() + 10_000;
  while (!isSo()) {
    assert.ok(performance.now() < end, String(isSo));
    await pause(1);
  }
}

test("a policy that comes while another appliance's answer is under way leads to the one it names alone", async () => {
  const bench = new Bench();
  await bench.managed.start(NO_POLICY);
  const looked = bench.search.look();
  await bench.asked(1);
  await bench.managed.follow(POLICY);
  await until(() => bench.pairing?.instanceId === "named-plant");
  bench.theOtherAnswers();
  await looked;
  assert.equal(bench.situation.phase.kind, "paired");
  assert.deepEqual(
    bench.sent.map(({ origin, body }) => [origin, body.includes(SECRET)]),
    [[NAMED, true]],
  );
});

test("what somebody approved at another appliance is refused once the policy has come", async () => {
  const bench = new Bench();
  await bench.managed.start(NO_POLICY);
  const looked = bench.search.look();
  await bench.asked(1);
  bench.theOtherAnswers();
  await looked;
  const { phase } = bench.situation;
  assert.ok(phase.kind === "found" && phase.appliance.base === OTHER);
  await bench.joining.connect(phase.appliance);
  await bench.managed.follow(POLICY);
  await until(() => bench.pairing?.instanceId === "named-plant");
  bench.approve(pairingWith(OTHER, "S-9"));
  await until(() => bench.situation.problem?.code === "TOKEN_INVALID");
  assert.equal(bench.pairing?.instanceId, "named-plant");
  assert.ok(bench.sent.every(({ origin }) => origin === NAMED));
});

test("a pairing of a person's ends where IT names another appliance, and stays where it names an address alone", async () => {
  for (const [policy, expected] of [
    [POLICY, "named-plant"],
    [{ ...POLICY, instanceId: null }, "another-plant"],
  ] as const) {
    const bench = new Bench();
    bench.pairing = pairingWith(OTHER, "S-9");
    await bench.managed.start(NO_POLICY);
    await bench.managed.follow(policy);
    await until(() => bench.pairing?.instanceId === expected);
  }
});

test("a secret that was used already moves nobody", async () => {
  const bench = new Bench();
  await bench.managed.start(POLICY);
  await bench.search.look();
  assert.equal(bench.sent.length, 1);
  await bench.managed.follow({ ...POLICY, lang: "en" });
  await bench.managed.follow({ ...POLICY, base: `${NAMED.slice(0, -1)}1` });
  assert.equal(bench.pairing?.instanceId, "named-plant");
  assert.equal(bench.sent.length, 1);
});

test("a server in trouble is asked again by itself, at growing distances, and the log says it once", async () => {
  const bench = new Bench();
  bench.troubles.push(new Response("", { status: 500 }), null, new Response("<html>", { status: 200 }));
  await bench.managed.start(POLICY);
  const waits: number[] = [];
  for (const expected of [1, 2, 3]) {
    const began = ahead;
    while (bench.sent.length < expected) {
      await bench.search.look();
      ahead += 100;
    }
    assert.deepEqual(bench.situation.phase, { kind: "looking", nothing: false });
    waits.push(ahead - began);
  }
  ahead += 19_000;
  await bench.search.look();
  assert.equal(bench.sent.length, 3);
  ahead += 22_000;
  await bench.search.look();
  assert.equal(bench.pairing?.screenId, "S-1");
  const [, first = 0, second = 0] = waits;
  assert.ok(first >= 4_900 && first <= 10_500 && second >= 9_900 && second <= 21_000, String(waits));
  assert.equal(bench.said.filter((line) => line.includes("by policy")).length, 1);
  assert.equal(bench.said.filter((line) => line.startsWith("Connecting")).length, 1);
});

test("the wait that a busy server asks for is kept, within bounds and through a worker's rest", async () => {
  for (const [asked, least, most] of [
    ["60", 60_000, 66_000],
    ["86400", 600_000, 606_000],
  ] as const) {
    const before = new Bench();
    before.troubles.push(new Response("", { status: 429, headers: { "Retry-After": asked } }));
    await before.managed.start(POLICY);
    await before.search.look();
    const bench = new Bench(before.kept);
    await bench.managed.start(POLICY);
    ahead += least - 1_000;
    await bench.search.look();
    assert.deepEqual([bench.sent.length, bench.situation.phase.kind], [0, "looking"]);
    ahead += most - least + 1_000;
    await bench.search.look();
    assert.equal(bench.pairing?.screenId, "S-1");
  }
});

test("a refusal leads to the code on the monitor and is final, until the policy changes", async () => {
  for (const status of [401, 403, 404, 409]) {
    const before = new Bench();
    before.troubles.push(Response.json({ code: "TOKEN_INVALID" }, { status }));
    await before.managed.start(POLICY);
    await before.search.look();
    assert.equal(before.situation.phase.kind, "pairing", String(status));
    const bench = new Bench(before.kept);
    await bench.managed.start(POLICY);
    await bench.search.look();
    assert.deepEqual([bench.sent.length, bench.situation.phase.kind], [0, "pairing"]);
    await bench.managed.follow({ ...POLICY, deviceSecret: "t".repeat(43) });
    await until(() => bench.pairing?.screenId === "S-1");
  }
});

test("where a person has to say yes to the one that IT means, that is asked once", async () => {
  const bench = new Bench();
  const policy = { ...POLICY, base: null, instanceId: "another-plant" };
  bench.troubles.push(new Response("", { status: 503 }));
  await bench.managed.start(policy);
  const looks = async (): Promise<void> => {
    const looked = bench.search.look();
    await bench.asked(1);
    bench.theOtherAnswers();
    await looked;
  };
  await looks();
  const { phase } = bench.situation;
  assert.ok(phase.kind === "found");
  await bench.joining.connect(phase.appliance);
  assert.equal(bench.situation.phase.kind, "looking");
  ahead += 10_500;
  await looks();
  assert.equal(bench.pairing?.screenId, "S-1");
});

test("an address of IT's that can't be read leads nowhere, and is said once", async () => {
  const policy = { ...POLICY, base: null, unreadable: "http://10.0.0.7:8480 ; http://10.0.0.8", instanceId: null };
  const kept = memory();
  for (let wakes = 0; wakes < 3; wakes++) {
    const bench = new Bench(kept);
    await bench.managed.start(policy);
    await bench.search.look();
    await bench.search.typed(NAMED);
    assert.deepEqual(bench.looked, []);
    await bench.offers.handOff({ handoff: { origin: NAMED, screenId: "S-9", token: "t".repeat(43) } });
    assert.deepEqual(bench.situation.phase, { kind: "looking", nothing: false });
    assert.deepEqual(bench.sent, []);
    assert.deepEqual(bench.said, [
      "The address that your administrator has set can't be read: http://10.0.0.7:8480 ; http://10.0.0.8",
    ]);
  }
  const bench = new Bench(kept);
  await bench.managed.start(policy);
  await bench.managed.follow(POLICY);
  await until(() => bench.pairing?.screenId === "S-1");
});

test("a screen goes on being what it is while IT's address can't be read, and isn't lost to a new secret meanwhile", async () => {
  const bench = new Bench();
  await bench.managed.start(POLICY);
  await bench.search.look();
  const { pairing } = bench;
  await bench.managed.follow({ ...POLICY, base: null, unreadable: "http://", deviceSecret: "t".repeat(43) });
  assert.equal(bench.pairing, pairing);
  await bench.managed.follow({ ...POLICY, deviceSecret: "t".repeat(43) });
  await until(() => bench.pairing !== pairing && bench.pairing !== null);
});
