import assert from "node:assert/strict";
import { test } from "node:test";
import { BarcodeReader, characterOf } from "../../src/scan/keyboard";

const press = (code: string, key: string, shiftKey = false) => ({ code, key, shiftKey });

/** The same keys as a scanner presses them, under different input methods. */
function read(presses: { code: string; key: string; shiftKey: boolean }[]) {
  const reader = new BarcodeReader();
  presses.forEach((one, at) => {
    reader.press(one, at);
  });
  return reader.press(press("Enter", "Enter"), presses.length);
}

test("ORD-1001 under a US layout", () => {
  const keys = [press("KeyO", "O", true), press("KeyR", "R", true), press("KeyD", "D", true), press("Minus", "-")];
  for (const digit of "1001") keys.push(press(`Digit${digit}`, digit));
  assert.deepEqual(read(keys), { kind: "ended", text: "ORD-1001", hangul: false });
});

test("ORD-1001 under a Korean input method: as jamo, and as Process", () => {
  for (const [o, r, d] of [
    ["ㅒ", "ㄲ", "ㅇ"],
    ["Process", "Process", "Process"],
  ] as const) {
    const keys = [press("KeyO", o, true), press("KeyR", r, true), press("KeyD", d, true), press("Minus", "-")];
    for (const digit of "1001") keys.push(press(`Digit${digit}`, o === "Process" ? "Process" : digit));
    assert.deepEqual(read(keys), { kind: "ended", text: "ORD-1001", hangul: true });
  }
});

test("every sign a number may hold, by its place", () => {
  const places: [string, string, boolean][] = [
    ["Period", ".", false],
    ["Minus", "_", true],
    ["Semicolon", ":", true],
    ["Slash", "/", false],
    ["Equal", "+", true],
    ["Digit3", "#", true],
    ["Digit4", "$", true],
    ["Equal", "=", false],
    ["Digit2", "@", true],
    ["Comma", ",", false],
    ["Digit9", "(", true],
    ["Digit0", ")", true],
    ["Minus", "-", false],
    ["Space", " ", false],
    ["Numpad7", "7", false],
    ["NumpadSubtract", "-", false],
  ];
  for (const [code, char, shift] of places) {
    assert.equal(characterOf(press(code, "Process", shift))?.char, char, code);
  }
});

test("other layouts are believed where they write plain letters", () => {
  assert.equal(characterOf(press("KeyY", "z"))?.char, "z");
  assert.equal(characterOf(press("Slash", "-"))?.char, "-");
});

test("Caps Lock doesn't turn a scanner's capitals into small letters", () => {
  assert.equal(characterOf({ ...press("KeyO", "o", true), capsLock: true })?.char, "O");
  assert.equal(characterOf({ ...press("KeyO", "ㅐ"), capsLock: true })?.char, "O");
});

test("shortcuts and keys that write nothing are left alone", () => {
  for (const key of ["F5", "Shift", "ArrowLeft", "HangulMode", "Escape"]) {
    assert.equal(characterOf(press(key, key)), null, key);
  }
  assert.equal(characterOf({ ...press("KeyV", "v"), ctrlKey: true }), null);
  assert.equal(characterOf({ ...press("KeyV", "v"), metaKey: true }), null);
});

test("Tab ends it too, an empty line is nothing, Backspace takes one back", () => {
  const reader = new BarcodeReader();
  assert.equal(reader.press(press("Enter", "Enter"), 0).kind, "nothing");
  reader.press(press("KeyA", "a"), 1);
  reader.press(press("KeyB", "b"), 2);
  reader.press(press("Backspace", "Backspace"), 3);
  assert.deepEqual(reader.press(press("Tab", "Tab"), 4), { kind: "ended", text: "a", hangul: false });
  assert.equal(reader.value, "");
});

test("what lay there for long doesn't join the next barcode", () => {
  const reader = new BarcodeReader(1_000);
  reader.press(press("KeyX", "x"), 0);
  reader.press(press("KeyA", "a"), 1_001);
  assert.equal(reader.value, "a");
});
