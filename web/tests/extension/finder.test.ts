import "../browser";
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Appliance } from "../../extension/view";
import { ask, candidates, find } from "../../extension/worker/finder";

const ID = "9e2b3e13-b0ec-4111-a53f-ed3f765c42ad";

function plant(answers: Record<string, unknown>): (url: string) => Promise<Response> {
  return async (url) => {
    const { origin, pathname } = new URL(url);
    assert.equal(pathname, "/.well-known/vooster");
    if (!(origin in answers)) throw new TypeError("Failed to fetch");
    return new Response(JSON.stringify(answers[origin]), { status: 200 });
  };
}

const answer = (instanceId = ID, name = "2공장") => ({
  product: "vooster",
  instanceId,
  name,
  version: "1.0.0",
  host: "vooster-2.local",
});
const known: Appliance = {
  base: "http://10.0.0.7:8480",
  instanceId: ID,
  name: "",
  version: "",
  host: "vooster-2.local",
  by: "name",
};

test("an appliance says who it is, and anything else is none", async () => {
  const place = { base: "http://10.0.0.7:8480", by: "typed" as const };
  const found = await ask(place, plant({ [place.base]: answer() }));
  assert.equal(found?.instanceId, ID);
  assert.equal(found?.name, "2공장");
  assert.equal(found?.host, "vooster-2.local");
  for (const other of [
    null,
    {},
    { product: "printer", instanceId: ID },
    { product: "vooster" },
    { ...answer(), instanceId: "<b>" },
  ]) {
    assert.equal(await ask(place, plant({ [place.base]: other })), null);
  }
  assert.equal(await ask(place, plant({})), null);
});

test("one that speaks TLS only is asked again over it", async () => {
  const found = await ask(
    { base: "http://10.0.0.7:8480", by: "name" },
    plant({ "http://10.0.0.7:8480": { code: "TLS_REQUIRED" }, "https://10.0.0.7:8480": answer() }),
  );
  assert.equal(found?.base, "https://10.0.0.7:8480");
});

test("one whose certificate isn't trusted is told from none at all", async () => {
  const places = [
    { base: "http://10.0.0.7:8480", by: "name" as const },
    { base: "http://10.0.0.8:8480", by: "name" as const },
    { base: "http://10.0.0.9:8480", by: "name" as const },
  ];
  const refused = { code: "TLS_REQUIRED" };
  const answers = { "http://10.0.0.7:8480": refused, "http://10.0.0.8:8480": refused };
  const { found, untrusted } = await find(places, () => true, plant({ ...answers, "https://10.0.0.8:8480": answer() }));
  assert.equal(found?.base, "https://10.0.0.8:8480");
  assert.deepEqual(untrusted, ["http://10.0.0.7:8480"]);
});

test("an https address whose certificate isn't trusted is told from a dead one by what it says without TLS", async () => {
  const untrusted = async (base: string, answers: Record<string, unknown>) =>
    (await find([{ base, by: "policy" }], () => true, plant(answers))).untrusted;
  const refused = { code: "TLS_REQUIRED" };
  assert.deepEqual(await untrusted("https://10.0.0.7:8480", { "http://10.0.0.7:8480": refused }), [
    "http://10.0.0.7:8480",
  ]);
  assert.deepEqual(await untrusted("https://plant.example", { "http://plant.example:443": refused }), [
    "http://plant.example:443",
  ]);
  assert.deepEqual(await untrusted("https://10.0.0.7:8480", {}), []);
});

test("what answers without TLS is never taken for the appliance that an https address means", async () => {
  const place = { base: "https://10.0.0.7:8480", by: "policy" as const };
  const { found, others, untrusted } = await find([place], () => true, plant({ "http://10.0.0.7:8480": answer() }));
  assert.deepEqual([found, others, untrusted], [null, [], []]);
});

test("policy comes first, then where it was, then its own name, then the name all have", () => {
  const all = candidates({ policy: "192.168.1.1", appliance: known, serverUrl: "http://10.0.0.7:8480" });
  assert.deepEqual(
    all.map(({ base, by }) => `${by} ${base}`),
    [
      "policy http://192.168.1.1:8480",
      "name http://10.0.0.7:8480",
      "name http://vooster-2.local:8480",
      "name http://vooster.local:8480",
    ],
  );
  assert.deepEqual(candidates({ policy: null, appliance: null, serverUrl: null }), [
    { base: "http://vooster.local:8480", by: "name" },
  ]);
});

test("it is known by its identity, wherever it answers", async () => {
  const places = candidates({ policy: null, appliance: known, serverUrl: null });
  const moved = plant({ "http://10.0.0.7:8480": answer("another-plant"), "http://vooster-2.local:8480": answer() });
  const { found, others } = await find(places, ({ instanceId }) => instanceId === ID, moved);
  assert.equal(found?.base, "http://vooster-2.local:8480");
  assert.deepEqual(
    others.map(({ instanceId }) => instanceId),
    ["another-plant"],
  );
});

test("found by its name it is spoken to at its address, where the same one answers there", async () => {
  const byName = { base: "http://vooster.local:8480", by: "name" as const };
  const told = { ...answer(), address: "10.0.0.7:8480" };
  const both = plant({ "http://vooster.local:8480": told, "http://10.0.0.7:8480": answer() });
  assert.deepEqual({ ...(await ask(byName, both)), name: "" }, { ...known, version: "1.0.0" });
  const another = plant({ "http://vooster.local:8480": told, "http://10.0.0.7:8480": answer("another-plant") });
  assert.equal((await ask(byName, another))?.base, byName.base);
  assert.equal((await ask(byName, plant({ "http://vooster.local:8480": told })))?.base, byName.base);
});
