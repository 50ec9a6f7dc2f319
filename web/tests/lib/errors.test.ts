import "../browser";
import assert from "node:assert/strict";
import { test } from "node:test";
import { actionOf, messageOf, problemFrom, problemIn, problemOf } from "../../src/lib/errors";
import { setLang } from "../../src/lib/i18n";

test("a known code speaks both languages, with its values filled in", () => {
  const problem = problemOf("ORDER_NOT_FOUND", { orderId: "ORD-9" });
  setLang("ko");
  assert.equal(messageOf(problem), "주문을 찾을 수 없습니다. 바코드를 다시 스캔해주세요.");
  assert.match(actionOf(problem), /ORD-9$/);
  setLang("en");
  assert.match(actionOf(problem), /this number: ORD-9$/);
});

test("what isn't known is left out, never shown as a hole", () => {
  assert.doesNotMatch(problemOf("ORDER_NOT_FOUND").action.ko, /[{}:]/);
  assert.doesNotMatch(problemOf("PERMISSION_DENIED").action.en, /[{}]/);
  assert.doesNotMatch(problemOf("UNKNOWN").action.ko, /[{}]/);
});

test("an unknown code keeps its name and gets the words for the unknown", () => {
  const problem = problemOf("SOMETHING_NEW");
  assert.equal(problem.code, "SOMETHING_NEW");
  assert.equal(problem.message.ko, "알 수 없는 오류가 발생했습니다.");
});

test("the server's own words win over the catalogue's", () => {
  const body = { code: "RATE_LIMITED", messages: { ko: "천천히", en: "Slow down" }, traceId: "t1", retryable: true };
  const problem = problemFrom(body, 429);
  assert.equal(problem.message.en, "Slow down");
  assert.equal(problem.status, 429);
  assert.equal(problem.traceId, "t1");
  assert.match(problem.action.ko, /.+/);
});

test("answers that aren't problems are still something a person can read", () => {
  for (const body of [undefined, null, "<html>", [], {}, { code: 5 }]) {
    assert.match(problemFrom(body, 502).message.en, /error/i);
    assert.equal(problemFrom(body, 404).code, "UNKNOWN");
  }
  assert.equal(problemIn(new TypeError("x is undefined")).code, "UNKNOWN");
});
