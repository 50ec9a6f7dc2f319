import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import "../browser";

class Source extends EventTarget {
  static made: Source[] = [];
  isClosed = false;
  onerror: (() => void) | null = null;

  constructor() {
    super();
    Source.made.push(this);
  }
  close(): void {
    this.isClosed = true;
  }
  snapshot(): void {
    this.dispatchEvent(new MessageEvent("snapshot", { data: '{"activeScreens":1}' }));
  }
}

const page = Object.assign(new EventTarget(), {
  visibilityState: "visible",
  documentElement: { lang: "", dataset: {} },
});
const tab = new EventTarget();
Object.defineProperty(globalThis, "document", { value: page });
Object.defineProperty(globalThis, "EventSource", { value: Source });
globalThis.addEventListener = tab.addEventListener.bind(tab) as typeof addEventListener;

const { liveState, startLive, stopLive } = await import("../../src/office/live");

function look(state: "visible" | "hidden"): void {
  page.visibilityState = state;
  page.dispatchEvent(new Event("visibilitychange"));
}

beforeEach(() => {
  stopLive();
  Source.made.length = 0;
  page.visibilityState = "visible";
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
});

test("a page nobody sees gives its connection back after a minute, and is live again as soon as it is looked at", () => {
  startLive();
  Source.made[0]?.snapshot();
  look("hidden");
  mock.timers.tick(30_000);
  Source.made[0]?.dispatchEvent(new Event("ping"));
  look("visible");
  look("hidden");
  mock.timers.tick(40_000);
  Source.made[0]?.dispatchEvent(new Event("ping"));
  mock.timers.tick(19_999);
  assert.equal(Source.made[0]?.isClosed, false);
  mock.timers.tick(1);
  assert.equal(Source.made[0]?.isClosed, true);
  mock.timers.tick(600_000);
  assert.equal(Source.made.length, 1);
  look("visible");
  assert.equal(Source.made.length, 2);
  Source.made[1]?.snapshot();
  assert.equal(liveState.value, "live");
});

test("the network coming back ends a wait at once", () => {
  startLive();
  Source.made[0]?.onerror?.();
  assert.equal(liveState.value, "lost");
  tab.dispatchEvent(new Event("online"));
  assert.equal(Source.made.length, 2);
});

test("nothing is opened for whoever has signed out", () => {
  startLive();
  stopLive();
  look("hidden");
  look("visible");
  tab.dispatchEvent(new Event("online"));
  assert.equal(Source.made.length, 1);
});
