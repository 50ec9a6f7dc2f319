import assert from "node:assert/strict";
import { test } from "node:test";
import { parseOffer } from "../../src/station/offer";
import { formatOf, refusalOf } from "../../src/station/viewer/address";
import { firstSentence, remedy } from "../../src/station/words";

test("an offer's address is told from everything else a scanner reads", () => {
  const offer = { screenId: "SCREEN-001", token: "abc" };
  assert.deepEqual(parseOffer("http://192.168.0.5:8480/pair?screenId=SCREEN-001#token=abc"), offer);
  assert.deepEqual(parseOffer(" https://vooster.local/pair/?screenId=SCREEN-001#token=abc "), offer);
  for (const other of [
    "ORD-20459",
    "http://192.168.0.5:8480/pair?screenId=SCREEN-001",
    "http://192.168.0.5:8480/approve?screenId=SCREEN-001#token=abc",
    "http://192.168.0.5:8480/pair?screenId=a%20b#token=abc",
    "javascript:/pair?screenId=SCREEN-001#token=abc",
  ]) {
    assert.equal(parseOffer(other), null, other);
  }
});

test("only the appliance's own documents can be known to be shown", () => {
  const origin = "http://192.168.0.5:8480";
  assert.equal(refusalOf(`${origin}/documents/x`, origin), null);
  assert.equal(refusalOf("http://192.168.0.5:9000/x", origin), "DOCUMENT_NOT_FRAMEABLE");
  assert.equal(refusalOf("https://192.168.0.5:8480/x", origin), "DOCUMENT_NOT_FRAMEABLE");
  for (const path of [
    "/",
    "/scan",
    "/api/health",
    "/documents",
    "/documents/../scan",
    "/documents/%2e%2e/scan",
    "//documents/",
  ]) {
    assert.equal(refusalOf(origin + path, origin), "DOCUMENT_NOT_FRAMEABLE", path);
  }
  for (const url of ["file:///etc/hosts", "javascript:alert(1)", "data:text/html,x", "blob:x", "not an address"]) {
    assert.equal(refusalOf(url, origin), "DOCUMENT_URL_REFUSED", url);
  }
});

test("content types", () => {
  assert.equal(formatOf("application/pdf"), "pdf");
  assert.equal(formatOf("IMAGE/SVG+XML; charset=utf-8"), "image");
  assert.equal(formatOf("text/html; charset=utf-8"), "html");
  assert.equal(formatOf("text/plain"), "text");
  assert.equal(formatOf("application/vnd.hancom.hwp"), null);
  assert.equal(formatOf(""), null);
});

test("the first sentence is the heading, the rest says what to do", () => {
  const text = {
    ko: "주문을 찾을 수 없습니다. 바코드를 다시 스캔해주세요.",
    en: "Order not found. Scan the barcode again.",
  };
  assert.deepEqual(firstSentence(text), { ko: "주문을 찾을 수 없습니다", en: "Order not found" });
  const problem = { message: text, action: { ko: "번호: 7", en: "Number: 7" } };
  assert.equal(remedy(problem as never).en, "Scan the barcode again. Number: 7");
});
