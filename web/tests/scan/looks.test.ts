import "../browser";
import assert from "node:assert/strict";
import { test } from "node:test";
import { problemFrom } from "../../src/lib/errors";
import { setLang } from "../../src/lib/i18n";
import { faultOf } from "../../src/scan/barcode";
import { lookOf, meaningOf } from "../../src/scan/looks";
import type { Scan } from "../../src/scan/store";

setLang("ko");

function refused(orderId: string, field: string): Scan {
  const problem = problemFrom({ code: "VALIDATION_ERROR", errors: [{ field, reason: "" }] }, 400);
  return { orderId, outcome: "refused", problem, attempt: 1 } as Scan;
}

test("a barcode that can't be an order's number says so, and shows which characters", () => {
  const scan = refused("https://a%20b?x", "orderId");
  assert.equal(lookOf(scan).word.ko, "주문 번호가 아님");
  assert.equal(lookOf(scan).tone, "warn");
  assert.match(meaningOf(scan), /쓸 수 없는 글자\(% \?\)가 있습니다/);
  assert.doesNotMatch(meaningOf(scan), /표시된 칸/);
});

test("another member's fault keeps the appliance's words", () => {
  const scan = refused("ORD-1", "screenId");
  assert.equal(lookOf(scan).word.ko, "접수하지 못함");
  assert.match(meaningOf(scan), /고칠 곳이 있습니다/);
});

test("what is wrong with a barcode", () => {
  assert.deepEqual(faultOf("ORD\\1\\2"), { kind: "characters", wrong: ["\\"] });
  assert.deepEqual(faultOf("A\u001dB\u200bC"), { kind: "characters", wrong: ["\u241d", "U+200B"] });
  assert.deepEqual(faultOf("주문-1 ._:/+#$=@,()".repeat(8)), { kind: "long" });
  assert.deepEqual(faultOf("ORD-1"), { kind: "other" });
});
