import assert from "node:assert/strict";
import { test } from "node:test";
import { EMPTY, type Happening, type Monitor, reduce, type Sheet } from "../../src/station/stage";

const sheet = (id: string, orderId = id, more: Partial<Sheet> = {}): Sheet => ({
  id,
  orderId,
  name: orderId,
  round: 1,
  attempt: 1,
  title: orderId,
  url: "http://host/documents/x",
  contentType: "application/pdf",
  acceptedAt: 0,
  restored: false,
  ...more,
});
const problem = (code: string, tone: "final" | "temporary" | "waiting" = "temporary") => ({
  code,
  status: null,
  message: { ko: code, en: code },
  action: { ko: "", en: "" },
  tone,
  retryable: true,
  traceId: null,
  retryAfterSeconds: null,
  fields: [],
});

/** Each step is a happening and the time it happens at. */
function play(steps: [Happening, number][], from: Monitor = EMPTY): Monitor {
  return steps.reduce((monitor, [happening, at]) => reduce(monitor, happening, at), from);
}
const navigate = (of: Sheet): Happening => ({ kind: "navigate", sheet: of });
const broke = (id: string, final = false): Happening => ({
  kind: "broke",
  id,
  problem: problem("DOCUMENT_LOAD_FAILED"),
  final,
});

test("the old document goes away before the new one is there", () => {
  const monitor = play([
    [navigate(sheet("a")), 0],
    [{ kind: "drawn", id: "a" }, 10],
    [navigate(sheet("b")), 20],
  ]);
  assert.equal(monitor.stage.kind, "opening");
  assert.equal(monitor.strip, null, "a was shown, so it wasn't skipped");
});

test("the tag stands for four seconds", () => {
  const monitor = play([
    [navigate(sheet("a")), 0],
    [{ kind: "drawn", id: "a" }, 100],
  ]);
  assert.equal(monitor.tagUntil, 4_100);
});

test("the same order scanned again moves nothing until it is drawn", () => {
  const again = play([
    [navigate(sheet("a", "ORD-1")), 0],
    [{ kind: "drawn", id: "a" }, 10],
    [navigate(sheet("b", "ORD-1")), 9_000],
  ]);
  assert.equal(again.stage.kind, "showing");
  const drawn = reduce(again, { kind: "drawn", id: "b" }, 9_100);
  assert.equal(drawn.stage.kind === "showing" && drawn.stage.sheet.id, "b");
  assert.equal(drawn.tagUntil, 13_100);
  assert.equal(reduce(again, broke("b", true), 9_100).stage.kind, "failed");
});

test("two pages without an order are not the same paper, the same address is", () => {
  const page = (id: string, url: string) => sheet(id, id, { orderId: null, name: "mes.local", url });
  const one = play([
    [navigate(page("a", "http://mes.local/documents/1")), 0],
    [{ kind: "drawn", id: "a" }, 10],
  ]);
  assert.equal(play([[navigate(page("b", "http://mes.local/documents/2")), 20]], one).stage.kind, "opening");
  assert.equal(play([[navigate(page("b", "http://mes.local/documents/1")), 20]], one).stage.kind, "showing");
});

test("an order overtaken before it was shown is named", () => {
  const monitor = play([
    [navigate(sheet("a", "ORD-1")), 0],
    [navigate(sheet("b", "ORD-2")), 50],
    [{ kind: "drawn", id: "a" }, 60],
    [{ kind: "drawn", id: "b" }, 100],
  ]);
  assert.deepEqual(monitor.strip, { kind: "superseded", shown: "ORD-2", skipped: "ORD-1", until: 4_100 });
  assert.equal(reduce(monitor, { kind: "time" }, 4_099).strip?.kind, "superseded");
  assert.equal(reduce(monitor, { kind: "time" }, 4_100).strip, null);
});

test("attempts are counted while retries run, and the end says how many", () => {
  const retrying = play([
    [navigate(sheet("a")), 0],
    [broke("a"), 10],
    [navigate(sheet("a", "a", { attempt: 2 })), 1_000],
    [broke("a"), 1_010],
  ]);
  assert.equal(retrying.stage.kind === "opening" && retrying.stage.attempt, 3);
  const end = reduce(retrying, { kind: "dead", id: "a", problem: problem("RETRIES_EXHAUSTED") }, 2_000).stage;
  assert.ok(end.kind === "failed");
  assert.deepEqual([end.attempts, end.kept, end.problem.code], [2, true, "DOCUMENT_LOAD_FAILED"]);
});

test("retries that never come end too, without claiming that anything was kept", () => {
  const retrying = play([
    [navigate(sheet("a")), 0],
    [broke("a"), 10],
  ]);
  assert.equal(reduce(retrying, { kind: "time" }, 30_009).stage.kind, "opening");
  const end = reduce(retrying, { kind: "time" }, 30_010).stage;
  assert.ok(end.kind === "failed" && !end.kept && end.attempts === 1);
});

test("a final failure is said at once", () => {
  const { stage } = play([
    [navigate(sheet("a")), 0],
    [broke("a", true), 10],
  ]);
  assert.ok(stage.kind === "failed" && stage.attempts === 1);
});

test("late news of an order that left the monitor changes nothing", () => {
  const showing = play([
    [navigate(sheet("b")), 0],
    [{ kind: "drawn", id: "b" }, 10],
  ]);
  for (const late of [broke("a"), { kind: "drawn", id: "a" }] as Happening[]) {
    assert.equal(reduce(showing, late, 20), showing);
  }
  assert.equal(reduce(showing, { kind: "dead", id: "a", problem: problem("EXPIRED") }, 20), showing);
});

test("a refused scan puts the document away for 20 s, then the screen is ready", () => {
  const refused = play([
    [navigate(sheet("a")), 0],
    [{ kind: "drawn", id: "a" }, 10],
    [{ kind: "refused", name: "ORD-2O", problem: problem("ORDER_NOT_FOUND") }, 1_000],
  ]);
  assert.equal(refused.stage.kind, "refused");
  assert.equal(reduce(refused, { kind: "time" }, 20_999).stage.kind, "refused");
  assert.equal(reduce(refused, { kind: "time" }, 21_000).stage.kind, "ready");
});

test("an order that is waited for stays, until its fate is known", () => {
  const waiting = play([
    [{ kind: "refused", name: "ORD-1", problem: problem("ORDER_SOURCE_UNAVAILABLE", "waiting") }, 0],
    [{ kind: "time" }, 60_000],
  ]);
  assert.equal(waiting.stage.kind, "refused");
  const gone = reduce(waiting, { kind: "dead", id: "a", problem: problem("ORDER_NOT_FOUND") }, 61_000).stage;
  assert.ok(gone.kind === "refused" && gone.name === "ORD-1" && gone.problem.code === "ORDER_NOT_FOUND");
});

test("clear says that something was put away only if something was", () => {
  const showing = play([
    [navigate(sheet("a")), 0],
    [{ kind: "drawn", id: "a" }, 10],
  ]);
  assert.equal(reduce(showing, { kind: "clear" }, 20).strip?.kind, "cleared");
  assert.equal(reduce(showing, { kind: "clear" }, 20).stage.kind, "ready");
  assert.equal(reduce(EMPTY, { kind: "clear" }, 20).strip, null);
});
