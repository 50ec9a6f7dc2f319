import assert from "node:assert/strict";
import { test } from "node:test";
import { nextOf } from "../../src/office/next";

const ORIGIN = "http://192.168.0.5:8480";

test("sign-in leads where one was going", () => {
  assert.equal(nextOf(["/scan", "/screens"], ORIGIN), "/scan");
  assert.equal(nextOf([null, "/approve#BCDF-GHJK"], ORIGIN), "/approve#BCDF-GHJK");
  assert.equal(nextOf([null, "/screens?q=a"], ORIGIN), "/screens?q=a");
  assert.equal(nextOf([null, null], ORIGIN), "/");
  assert.equal(nextOf(["/login?next=/scan"], ORIGIN), "/");
});

test("and never away from the appliance", () => {
  for (const away of [
    "//other.example/",
    "/\\other.example",
    "https://other.example/",
    "javascript:alert(1)",
    "/\t/other.example",
  ]) {
    assert.equal(nextOf([away], ORIGIN), "/", away);
  }
});
