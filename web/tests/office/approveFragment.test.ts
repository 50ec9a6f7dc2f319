import assert from "node:assert/strict";
import { test } from "node:test";
import { approveFragment } from "../../src/office/approveFragment";
import { parseOffer } from "../../src/station/offer";

const CA = `${"A".repeat(42)}8`;
const DIGITS = `${"0000 ".repeat(15)}000F`;

test("the code stands alone without TLS, with the certificate's fingerprint behind it under TLS", () => {
  assert.deepEqual(approveFragment("#BCDF-GHJK"), { code: "BCDF-GHJK", fingerprint: null });
  assert.deepEqual(approveFragment(""), { code: "", fingerprint: null });
  assert.deepEqual(approveFragment(`#BCDF-GHJK&ca=${CA}`), { code: "BCDF-GHJK", fingerprint: DIGITS });
});

test("nothing of the fingerprint is taken for the code, and what isn't one is ignored", () => {
  assert.equal(approveFragment("#BCDF&ca=GHJK").code, "BCDF");
  assert.equal(approveFragment("#BCDF&ca=GHJK").fingerprint, null);
  assert.equal(approveFragment("#%E3%85%8E&ca=").code, "ㅎ");
  assert.equal(approveFragment("#%").code, "%");
});

test("an offer is read with a fingerprint behind it as without", () => {
  const offer = { screenId: "S-1", token: "abc" };
  assert.deepEqual(parseOffer("http://10.0.0.1:8480/pair?screenId=S-1#token=abc"), offer);
  assert.deepEqual(parseOffer(`https://10.0.0.1:8480/pair?screenId=S-1#token=abc&ca=${CA}`), offer);
});
