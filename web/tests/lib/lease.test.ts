import assert from "node:assert/strict";
import { test } from "node:test";
import { Lease } from "../../src/lib/lease";

function tabs(count: number, text: string | null = null) {
  const shared = {
    text,
    get: () => shared.text,
    set: (next: string | null) => {
      shared.text = next;
      return true;
    },
  };
  let clock = 1_000_000;
  const sleep = async (ms: number): Promise<void> => {
    clock += ms;
    await new Promise((done) => setImmediate(done));
  };
  const leases = Array.from(
    { length: count },
    (_, at) => new Lease({ store: shared, owner: `tab${at}`, now: () => clock, sleep }),
  );
  return { shared, leases };
}

test("one tab at a time, and all get their turn", async () => {
  const { leases, shared } = tabs(4);
  let inside = 0;
  let most = 0;
  const runs = leases.map((lease) =>
    lease.run(async () => {
      most = Math.max(most, ++inside);
      await new Promise((done) => setImmediate(done));
      inside--;
    }),
  );
  await Promise.all(runs);
  assert.equal(most, 1);
  assert.equal(shared.text, null);
});

test("a tab that died gives way, and so does a clock that was set back", async () => {
  for (const until of [1_010_000, 900_000_000]) {
    const { leases } = tabs(1, JSON.stringify({ owner: "dead", until }));
    assert.equal(await leases[0]?.run(async () => "done"), "done");
  }
});

test("damaged content is nobody's lease", async () => {
  const { leases } = tabs(1, "{]");
  assert.equal(await leases[0]?.run(async () => "done"), "done");
});

test("is given back when the work fails", async () => {
  const { leases, shared } = tabs(1);
  await assert.rejects(leases[0]?.run(async () => Promise.reject(new Error("no"))) as Promise<never>);
  assert.equal(shared.text, null);
});

test("works without a storage", async () => {
  const lease = new Lease({ store: { get: () => null, set: () => false }, owner: "me", sleep: async () => {} });
  assert.equal(await lease.run(async () => 7), 7);
});
