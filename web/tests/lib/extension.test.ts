import "../browser";
import assert from "node:assert/strict";
import { test } from "node:test";
import { handOff, lookFor } from "../../src/lib/extension";

const WAIT_MS = 20;

/** A page with an extension's content script on it. */
function page(detail: unknown): EventTarget {
  const target = new EventTarget();
  target.addEventListener("vooster:extension?", () =>
    target.dispatchEvent(new CustomEvent("vooster:extension", { detail })),
  );
  return target;
}

const has = (version: unknown): EventTarget => page(JSON.stringify({ version }));
const serves = (version: string | null) => () => Promise.resolve(version);

test("nobody answers where there is no extension, and the appliance isn't asked", async () => {
  let asked = false;
  const served = (): Promise<string> => {
    asked = true;
    return Promise.resolve("1.2");
  };
  assert.deepEqual(await lookFor(new EventTarget(), served, WAIT_MS), { kind: "missing" });
  assert.equal(asked, false);
});

test("the same version is installed, any other one outdated", async () => {
  assert.deepEqual(await lookFor(has("1.2.0"), serves("1.2.0")), { kind: "installed", version: "1.2.0" });
  for (const other of ["1.1.9", "1.3.0", "1.2"]) {
    assert.deepEqual(await lookFor(has(other), serves("1.2.0")), { kind: "outdated", version: other });
  }
});

test("of the appliance's version the numbers count: a browser takes no more", async () => {
  assert.equal((await lookFor(has("1.2.0"), serves("1.2.0.dev3"))).kind, "installed");
});

test("while the appliance's version can't be learned, whichever is there will do", async () => {
  assert.equal((await lookFor(has("1.1.0"), serves(null))).kind, "installed");
});

test("what is no version is no answer", async () => {
  for (const noise of [undefined, null, "", "{", "null", "7", "[]", '{"version":7}', '{"version":"<b>"}']) {
    assert.deepEqual(await lookFor(page(noise), serves("1.2.0"), WAIT_MS), { kind: "missing" }, String(noise));
  }
});

test("it hears one that comes a little later", async () => {
  const target = new EventTarget();
  const looking = lookFor(target, serves("1.0"), 1_000);
  setTimeout(() => target.dispatchEvent(new CustomEvent("vooster:extension", { detail: '{"version":"1.0"}' })), 5);
  assert.deepEqual(await looking, { kind: "installed", version: "1.0" });
});

test("a hand-over carries the offer, or says no more than that an appliance is here", () => {
  const target = new EventTarget();
  const heard: unknown[] = [];
  target.addEventListener("vooster:handoff", (event) => heard.push(JSON.parse((event as CustomEvent).detail)));
  handOff({ screenId: "S-1", token: "t" }, target);
  handOff(undefined, target);
  assert.deepEqual(heard, [{ screenId: "S-1", token: "t" }, {}]);
});
