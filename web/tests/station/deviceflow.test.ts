import assert from "node:assert/strict";
import { test } from "node:test";
import { type Asking, type DeviceAnswer, pairDevice } from "../../src/station/deviceflow";

type Answer = { status: number; body: unknown; heldMs?: number } | Error;

const CODE = {
  status: 200,
  body: {
    device_code: "dc",
    user_code: "BCDF-GHJK",
    verification_uri: "http://host/approve",
    expires_in: 600,
    interval: 2,
  },
};
const pending = (error = "authorization_pending"): Answer => ({ status: 400, body: { error } });
const PAIRED = { status: 200, body: { screenId: "SCREEN-001" } };

/** Answers come in turn; a sleep takes no real time. */
async function run(answers: Answer[], kept: DeviceAnswer | null = null) {
  const paths: string[] = [];
  const slept: number[] = [];
  const states: Asking[] = [];
  const keeps: (string | null)[] = [];
  let clock = 0;
  const abort = new AbortController();
  const pairing = pairDevice(
    {
      send: async (path) => {
        paths.push(path);
        const answer = answers.shift();
        if (!answer) abort.abort(new Error("no answers left"));
        if (!answer || answer instanceof Error) throw answer ?? new Error("none");
        clock += answer.heldMs ?? 0;
        return answer;
      },
      sleep: async (ms, signal) => {
        signal.throwIfAborted();
        slept.push(ms);
        clock += ms;
      },
      now: () => clock,
      request: () => ({ client: { name: "c", version: "1" }, displays: [] }),
      onState: (state) => states.push(state),
      keep: (code) => keeps.push(code?.device_code ?? null),
      kept: () => kept,
    },
    abort.signal,
  );
  return { pairing: await pairing, paths, slept, kinds: states.map(({ kind }) => kind), states, keeps };
}

test("polls until somebody approved it", async () => {
  const { pairing, slept, kinds } = await run([CODE, pending(), pending(), PAIRED]);
  assert.equal(pairing.screenId, "SCREEN-001");
  assert.deepEqual(slept, [2_000, 2_000]);
  assert.deepEqual(kinds, ["code"]);
});

test("slow_down adds five seconds, and a lost answer changes nothing", async () => {
  const { slept } = await run([CODE, pending("slow_down"), new Error("lost"), pending("slow_down"), PAIRED]);
  assert.deepEqual(slept, [7_000, 7_000, 12_000]);
});

test("an answer that was held is followed by the next question at once", async () => {
  const { slept } = await run([CODE, { ...(pending() as object), heldMs: 20_000 } as Answer, PAIRED]);
  assert.deepEqual(slept, [0]);
});

test("denied is said for ten seconds, then a new code comes", async () => {
  const { kinds, slept } = await run([CODE, pending("access_denied"), CODE, PAIRED]);
  assert.deepEqual(kinds, ["code", "denied", "code"]);
  assert.deepEqual(slept, [10_000]);
});

test("a code that ended is replaced by a new one", async () => {
  for (const end of ["expired_token", "invalid_grant"]) {
    assert.deepEqual((await run([CODE, pending(end), CODE, PAIRED])).kinds, ["code", "code"]);
  }
});

test("the page's own clock ends a code too", async () => {
  const silent = Array.from({ length: 300 }, () => new Error("lost"));
  const { kinds, slept } = await run([CODE, ...silent, CODE, PAIRED]);
  assert.deepEqual(kinds, ["code", "code"]);
  assert.equal(
    slept.reduce((sum, ms) => sum + ms, 0),
    600_000,
  );
});

test("an appliance that can't be reached is asked again, ever more slowly", async () => {
  const { kinds, slept } = await run([new Error("away"), { status: 503, body: null }, CODE, PAIRED]);
  assert.deepEqual(kinds, ["unreachable", "unreachable", "code"]);
  assert.deepEqual(slept.slice(0, 2), [2_000, 3_000]);
});

test("a reload goes on with the code it showed, while somebody can still approve it", async () => {
  const kept = { ...CODE.body, device_code: "kept", user_code: "KKKK-LLLL", expires_in: 30 };
  const { paths, states, keeps } = await run([pending(), PAIRED], kept);
  assert.deepEqual(new Set(paths), new Set(["/api/pairing/token"]));
  assert.equal(states[0]?.kind === "code" && states[0].userCode, "KKKK-LLLL");
  assert.deepEqual(keeps, ["kept", null], "kept while it runs, forgotten at its end");
  const late = await run([CODE, PAIRED], { ...kept, expires_in: 29 });
  assert.deepEqual(late.keeps, ["dc", null]);
});

test("a kept code that the appliance doesn't know any more is replaced by a new one", async () => {
  const { kinds, keeps } = await run([pending("invalid_grant"), CODE, PAIRED], { ...CODE.body, device_code: "kept" });
  assert.deepEqual(kinds, ["code", "code"]);
  assert.deepEqual(keeps, ["kept", null, "dc", null]);
});
