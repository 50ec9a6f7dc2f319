import "../browser";
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Appliance } from "../../extension/view";
import { ask, candidates } from "../../extension/worker/finder";
import {
  isDoor,
  isSet,
  mayBelong,
  mayHaveSecret,
  NO_POLICY,
  readPolicy,
  unreadableProblem,
} from "../../extension/worker/policy";

const BASE = "http://10.0.0.7:8480";
const ID = "9e2b3e13-b0ec-4111-a53f-ed3f765c42ad";
const mine: Appliance = { base: BASE, instanceId: ID, name: "", version: "", host: null, by: "page" };
const impostor: Appliance = { ...mine, instanceId: "another-plant" };
const elsewhere: Appliance = { ...mine, base: "http://10.0.0.8:8480" };

test("with an identity in the policy no other appliance belongs, at the policy's own address neither", () => {
  const policy = { ...NO_POLICY, base: BASE, instanceId: ID };
  for (const rule of [mayBelong, mayHaveSecret]) {
    assert.ok(rule(policy, mine));
    assert.ok(rule({ ...policy, base: null }, elsewhere));
    assert.ok(!rule(policy, impostor));
    assert.ok(!rule({ ...policy, base: null }, impostor));
  }
});

test("with an address alone nothing but that address belongs, over TLS too", () => {
  const policy = { ...NO_POLICY, base: BASE };
  for (const rule of [mayBelong, mayHaveSecret]) {
    assert.ok(rule(policy, mine));
    assert.ok(rule(policy, { ...mine, base: "https://10.0.0.7:8480" }));
    assert.ok(!rule(policy, elsewhere));
  }
  assert.ok(!isDoor("https://10.0.0.7:8480", BASE), "never back to what anybody can read");
});

test("an address that can't be read is no missing one: nobody belongs, nobody hears the secret", async () => {
  const set: Record<string, unknown> = { screenId: "S-1", deviceSecret: "secret" };
  Object.assign(globalThis, { chrome: { storage: { managed: { get: async () => set } } } });
  for (const address of [
    "http://10.0.0.5:8480 ; http://10.0.0.6",
    "ftp://10.0.0.5",
    "http://",
    "http://a:b@10.0.0.5",
  ]) {
    for (const instanceId of [undefined, ID]) {
      Object.assign(set, { address, instanceId });
      const policy = await readPolicy();
      assert.deepEqual([policy.base, policy.unreadable, isSet(policy)], [null, address, true]);
      assert.ok(!mayBelong(policy, mine) && !mayHaveSecret(policy, mine), address);
      const problem = unreadableProblem(policy);
      assert.ok(problem?.message.ko.endsWith(address) && problem.message.en.endsWith(address));
    }
  }
  Object.assign(set, { address: " 10.0.0.7 ", instanceId: undefined });
  const policy = await readPolicy();
  assert.deepEqual([policy.base, isSet(policy), unreadableProblem(policy)], [BASE, true, null]);
  set.address = "";
  assert.ok(!isSet(await readPolicy()));
});

test("a policy that names nobody lets people choose, and gives its secret to none", () => {
  assert.ok(mayBelong(NO_POLICY, mine));
  assert.ok(!mayHaveSecret(NO_POLICY, mine));
});

test("an answer doesn't lead away from the policy's address, and an old policy's isn't the new one's", async () => {
  const base = "http://vooster.local:8480";
  const answer = { product: "vooster", instanceId: ID, address: "10.0.0.8:8480" };
  const found = await ask({ base, by: "policy" }, async () => new Response(JSON.stringify(answer)));
  assert.equal(found?.base, base);
  const past = candidates({ policy: BASE, appliance: { ...elsewhere, by: "policy" }, serverUrl: null });
  assert.deepEqual(
    past.filter(({ by }) => by === "policy").map((one) => one.base),
    [BASE],
  );
});
