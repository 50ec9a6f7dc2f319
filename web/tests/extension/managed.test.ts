import "../browser";
import assert from "node:assert/strict";
import { test } from "node:test";
import { Joining } from "../../extension/worker/joining";
import { Keeper, type Kept, type Lasting, type Passing } from "../../extension/worker/kept";
import { Managed } from "../../extension/worker/managed";
import type { Pairer } from "../../extension/worker/pairing";
import { NO_POLICY, type Policy } from "../../extension/worker/policy";
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

/** An extension whose network answers when the test says so, and what was sent to whom. */
class Bench {
  readonly sent: { origin: string; body: string }[] = [];
  readonly situation: Situation;
  readonly managed: Managed;
  readonly search: Search;
  readonly joining: Joining;
  pairing: Pairing | null = null;
  /** Somebody approves the code on the monitor. */
  approve: (pairing: Pairing) => void = () => {};
  private readonly waiting: (() => void)[] = [];

  constructor() {
    const area = { get: async () => ({}), set: async () => {}, remove: async () => {} };
    const kept: Kept = { lasting: new Keeper<Lasting>(area, {}), passing: new Keeper<Passing>(area, {}) };
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
      log: { add: () => {} },
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
    this.joining = new Joining(common, pairer, { displays: [], showOwn: async () => {} } as unknown as Workplace);
    this.search = new Search(common, (appliance) => this.joining.connect(appliance));
    this.managed = new Managed(common, this.joining, pairer, this.search);
    globalThis.fetch = (async (input: string, init: RequestInit = {}) => {
      const { origin, pathname } = new URL(input);
      if (pathname === "/.well-known/vooster") {
        // The other one's answers take their time.
        if (origin === OTHER) await new Promise<void>((done) => this.waiting.push(done));
        return Response.json({ product: "vooster", instanceId: IDS[origin], name: origin, version: "1" });
      }
      this.sent.push({ origin, body: String(init.body) });
      return Response.json(pairingWith(origin, "S-1"));
    }) as typeof fetch;
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
