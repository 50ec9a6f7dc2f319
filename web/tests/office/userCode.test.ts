import assert from "node:assert/strict";
import { test } from "node:test";
import { codeLetters, rememberTyped, typedHalf, withDash } from "../../src/office/userCode";

test("case, dashes, spaces and strangers are forgiven", () => {
  assert.equal(codeLetters("bcdf-ghjk"), "BCDFGHJK");
  assert.equal(codeLetters(" b c d f – g h j k "), "BCDFGHJK");
  assert.equal(codeLetters("aeiou0123"), "");
  assert.equal(codeLetters("GHJKLMN", 4), "GHJK");
});

test("a Korean keyboard layout gives the same letters", () => {
  assert.equal(codeLetters("ㅎㅓ"), "GJ");
  assert.equal(codeLetters("ㅋㅌㅊㅍ"), "ZXCV");
});

test("the dash comes with the fifth letter", () => {
  assert.equal(withDash("BCDF"), "BCDF");
  assert.equal(withDash("BCDFG"), "BCDF-G");
});

test("only a code that was typed here brings its end along", () => {
  assert.equal(typedHalf("BCDF"), "");
  rememberTyped("BCDFGHJK");
  assert.equal(typedHalf("BCDF"), "GHJK");
  assert.equal(typedHalf("XXXX"), "");
});
