import "../browser";
import assert from "node:assert/strict";
import { test } from "node:test";
import { setLang } from "../../src/lib/i18n";
import { lineAndId } from "../../src/office/screenText";
import type { Dashboard, DeadLetter, Screen } from "../../src/office/types";
import { todosOf, verdictOf } from "../../src/office/verdict";

const NOW = 1_800_000_000_000;
const CALM = { storage: "ok", deadLetters: 0 } as Dashboard;

function screen(id: number, more: Partial<Screen> = {}): Screen {
  return {
    screenId: `SCREEN-00${id}`,
    name: `절단 ${id}`,
    groups: ["line-1"],
    displayIndex: 1,
    permission: "operator",
    paired: true,
    online: true,
    lastSeenAt: NOW,
    displays: [],
    currentDocument: null,
    client: null,
    warnings: [],
    state: "ready",
    ...more,
  };
}

const off = { online: false, state: "offline", lastSeenAt: NOW - 6 * 60_000 } as const;

function letter(id: number): DeadLetter {
  const text = { ko: "", en: "" };
  return {
    deliveryId: `d${id}`,
    triggerId: `t${id}`,
    orderId: `ORD-${id}`,
    title: "",
    screenId: "SCREEN-001",
    screenName: "절단 1",
    displayIndex: 1,
    code: "SCREEN_OFFLINE",
    cause: null,
    messages: text,
    action: text,
    diedAt: NOW,
    acceptedAt: NOW,
    round: 1,
    attempt: 1,
  };
}

setLang("ko");

test("the sentence: none, all well, some, all off", () => {
  assert.equal(verdictOf(CALM, [screen(1, { paired: false, state: "unpaired" })]).title, "아직 모니터가 없습니다");
  assert.equal(verdictOf(CALM, [screen(1), screen(2)]).title, "2대 모두 정상입니다");
  assert.equal(verdictOf(CALM, [screen(1), screen(2, off)]).title, "2대 중 1대가 정상입니다");
  assert.equal(verdictOf(CALM, [screen(1, off), screen(2, off)]).title, "2대 모두 끊겨 있습니다");
});

test("a whole line that is off points at its switch, storage comes above all", () => {
  const screens = [1, 2, 3, 4].map((id) => screen(id, off)).concat(screen(5, { groups: ["line-2"] }));
  assert.equal(verdictOf(CALM, screens).title, "1라인 4대가 모두 끊겼습니다");
  assert.equal(todosOf(CALM, screens, [], NOW).length, 1);
  assert.equal(verdictOf({ ...CALM, storage: "fail" }, screens).title, "스캔을 저장할 수 없습니다");
});

test("screens that aren't paired are no trouble", () => {
  const screens = [screen(1), screen(2, { paired: false, online: false, state: "revoked" })];
  assert.equal(verdictOf(CALM, screens).tone, "ok");
  assert.deepEqual(todosOf(CALM, screens, [], NOW), []);
});

test("to do: offline first, then what wasn't delivered, the rest counted", () => {
  const letters = [letter(1), letter(2), letter(3)];
  const todos = todosOf({ ...CALM, deadLetters: 7 }, [screen(1), screen(2, off)], letters, NOW);
  assert.deepEqual(
    todos.map((todo) => todo.title),
    ["1라인 절단 2 · 연결 끊김 6분째", "ORD-1 · 절단 1", "ORD-2 · 절단 1", "미전달 5건 더"],
  );
});

test("a page sent by its address is called by its title or its host, with the appliance's own words", () => {
  const page = {
    ...letter(1),
    orderId: null,
    title: "http://mes.local/board",
    messages: { ko: "띄울 수 없습니다.", en: "" },
    action: { ko: "확장 프로그램을 설치해 주세요.", en: "" },
  };
  const [todo, titled] = todosOf({ ...CALM, deadLetters: 2 }, [], [page, { ...page, title: "안전 공지" }], NOW);
  assert.equal(todo?.title, "mes.local · 절단 1");
  assert.equal(todo?.why, "띄울 수 없습니다. 확장 프로그램을 설치해 주세요.");
  assert.equal(titled?.title, "안전 공지 · 절단 1");
});

test("a line named twice on a screen is one line", () => {
  assert.equal(lineAndId(screen(1, { groups: ["line-1", "line-1"] })), "1라인 · SCREEN-001");
});

test("a key that two PCs use is named before what is merely broken", () => {
  const warning = { code: "SCREEN_CLONED", at: NOW, address: "192.168.10.91" };
  const screens = [screen(1), screen(2, { warnings: [warning] }), screen(3, off)];
  assert.equal(verdictOf(CALM, [screen(1), screen(2, { warnings: [warning] })]).title, "2대 중 1대가 정상입니다");
  const [first, second] = todosOf(CALM, screens, [], NOW);
  assert.match(first?.title ?? "", /의 열쇠가 두 PC에서 쓰였습니다\.$/);
  assert.deepEqual(first?.act, { kind: "open", href: "/screens?q=SCREEN-002" });
  assert.equal(second?.key, "off-SCREEN-003");
});
