import "../browser";
import assert from "node:assert/strict";
import { test } from "node:test";
import { setLang } from "../../src/lib/i18n";
import { lineNames, orderName, orderTitle } from "../../src/lib/names";

setLang("ko");

test("an order is called by its number, a page by its title, else by its host", () => {
  const url = "http://mes.local:8080/board/7?line=1";
  assert.equal(orderName({ orderId: "ORD-1", title: "브라켓", url }), "ORD-1");
  assert.equal(orderName({ orderId: null, title: "안전 공지", url }), "안전 공지");
  assert.equal(orderName({ orderId: null, title: url }), "mes.local:8080");
  assert.equal(orderName({ orderId: null, title: "", url }), "mes.local:8080");
  assert.equal(orderName({ orderId: null, title: null }), "문서");
});

test("the title stands beside a number only, and never says it twice", () => {
  assert.equal(orderTitle({ orderId: "ORD-1", title: "브라켓" }), "브라켓");
  assert.equal(orderTitle({ orderId: "ORD-1", title: "ORD-1" }), null);
  assert.equal(orderTitle({ orderId: "ORD-1", title: null }), null);
  assert.equal(orderTitle({ orderId: null, title: "안전 공지" }), null);
});

test("each line is named once", () => {
  assert.deepEqual(lineNames(["line-1", "line-1", "포장", "1라인"]), ["1라인", "포장"]);
});
