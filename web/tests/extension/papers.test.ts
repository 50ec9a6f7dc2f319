import "../browser";
import assert from "node:assert/strict";
import { test } from "node:test";
import { Keeper, type Passing } from "../../extension/worker/kept";
import { Overtaken } from "../../extension/worker/loads";
import { isDrawn, Papers } from "../../extension/worker/papers";
import type { Sheet } from "../../src/station/stage";
import { LoadFailure } from "../../src/station/viewer/load";

const area = { get: async () => ({}), set: async () => {}, remove: async () => {} } as unknown as ConstructorParameters<
  typeof Keeper<Passing>
>[0];

const sheet = (id: string): Sheet => ({
  id,
  round: 1,
  attempt: 1,
  orderId: id,
  title: id,
  url: `http://10.0.0.7:8480/documents/${id}.pdf`,
  contentType: "application/pdf",
  acceptedAt: 0,
  name: id,
  restored: false,
});

function desk(kept = new Keeper<Passing>(area, {})): {
  papers: Papers;
  kept: Keeper<Passing>;
  load(index: number): string;
} {
  const papers = new Papers(kept, () => {});
  return { papers, kept, load: (index) => papers.all[index]?.load ?? "none" };
}

test("what the page says of a paper is what becomes of it", async () => {
  const { papers, load } = desk();
  const drawn = papers.draw(1, sheet("A"), false);
  papers.told({ did: "draw", load: load(1) });
  await drawn;
  assert.equal(papers.all[1]?.isDrawn, true);
  const damaged = papers.draw(2, sheet("B"), false);
  papers.told({ did: "break", load: load(2), code: "DOCUMENT_LOAD_FAILED", detail: "damaged" });
  await assert.rejects(damaged, (error) => error instanceof LoadFailure && error.detail === "damaged");
});

test("words of an earlier load change nothing, and whoever waited for it hears that it was overtaken", async () => {
  const { papers, load } = desk();
  const before = papers.draw(1, sheet("A"), false);
  const early = load(1);
  const now = papers.draw(1, sheet("B"), false);
  await assert.rejects(before, Overtaken);
  papers.told({ did: "draw", load: early });
  papers.told({ did: "break", load: early, code: "CLIENT_FAILED", detail: "" });
  assert.equal(papers.all[1]?.isDrawn, false);
  papers.told({ did: "draw", load: load(1) });
  await now;
});

test("a page that says nothing has not shown it", async () => {
  const { papers } = desk();
  await assert.rejects(papers.draw(1, sheet("A"), false, 10), (error) => error instanceof LoadFailure);
});

test("what was put away is gone from the page, and nobody waits for it", async () => {
  const { papers } = desk();
  const drawn = papers.draw(1, sheet("A"), false);
  papers.away(1);
  await assert.rejects(drawn, Overtaken);
  assert.deepEqual(papers.all, {});
});

test("a worker that wakes finds what was drawn, and not what was being drawn", async () => {
  const { papers, kept, load } = desk();
  const drawn = papers.draw(1, sheet("A"), false);
  papers.told({ did: "draw", load: load(1) });
  await drawn;
  papers.draw(2, sheet("B"), false).catch(() => {});
  const awake = desk(kept);
  assert.deepEqual(Object.keys(awake.papers.all), ["1"]);
  const lost: number[] = [];
  awake.papers.onLost = (index) => lost.push(index);
  awake.papers.told({ did: "break", load: awake.load(1), code: "DOCUMENT_LOAD_FAILED", detail: "unreachable" });
  assert.deepEqual(lost, [1], "a page that was loaded anew and can't draw it says so");
});

test("strangers' pages stand in the tab, all else is drawn", () => {
  assert.ok(isDrawn("application/pdf", false));
  assert.ok(isDrawn("image/png; q=1", false));
  assert.ok(isDrawn("text/html", true));
  assert.ok(!isDrawn("text/html; charset=utf-8", false));
  assert.ok(!isDrawn("application/zip", true));
});
