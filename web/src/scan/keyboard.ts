/**
 * Reads a barcode scanner, which is a keyboard, by where the key is and not by what an input method makes of it:
 * with a Korean layout on, `ORD` arrives as jamo, but its keys are still KeyO, KeyR and KeyD.
 */

export type Press = {
  code: string;
  key: string;
  shiftKey?: boolean;
  ctrlKey?: boolean;
  altKey?: boolean;
  metaKey?: boolean;
  capsLock?: boolean;
};
export type Character = { char: string; hangul: boolean };

/** US layout: [plain, with shift]. */
const KEYS: Record<string, readonly [string, string]> = {
  Digit1: ["1", "!"],
  Digit2: ["2", "@"],
  Digit3: ["3", "#"],
  Digit4: ["4", "$"],
  Digit5: ["5", "%"],
  Digit6: ["6", "^"],
  Digit7: ["7", "&"],
  Digit8: ["8", "*"],
  Digit9: ["9", "("],
  Digit0: ["0", ")"],
  Minus: ["-", "_"],
  Equal: ["=", "+"],
  BracketLeft: ["[", "{"],
  BracketRight: ["]", "}"],
  Backslash: ["\\", "|"],
  Semicolon: [";", ":"],
  Quote: ["'", '"'],
  Backquote: ["`", "~"],
  Comma: [",", "<"],
  Period: [".", ">"],
  Slash: ["/", "?"],
  Space: [" ", " "],
  NumpadDecimal: [".", "."],
  NumpadDivide: ["/", "/"],
  NumpadMultiply: ["*", "*"],
  NumpadSubtract: ["-", "-"],
  NumpadAdd: ["+", "+"],
};

const PRINTABLE_ASCII = /^[ -~]$/;
const HANGUL = /^[\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3]/;

/**
 * The character of one key press, or null for keys that write nothing and for shortcuts.
 * A key that already came as plain ASCII is believed, so that other keyboard layouts keep working.
 */
export function characterOf(press: Press): Character | null {
  if (press.ctrlKey || press.altKey || press.metaKey) return null;
  const upper = Boolean(press.shiftKey || press.capsLock);
  if (PRINTABLE_ASCII.test(press.key)) {
    const letter = /[a-z]/i.test(press.key);
    return { char: letter && upper ? press.key.toUpperCase() : press.key, hangul: false };
  }
  const char = byPlace(press.code, upper, Boolean(press.shiftKey));
  if (char === null) return null;
  return { char, hangul: press.key === "Process" || HANGUL.test(press.key) };
}

function byPlace(code: string, upper: boolean, shift: boolean): string | null {
  const letter = /^Key([A-Z])$/.exec(code)?.[1];
  if (letter) return upper ? letter : letter.toLowerCase();
  const digit = /^Numpad([0-9])$/.exec(code)?.[1];
  if (digit) return digit;
  return KEYS[code]?.[shift ? 1 : 0] ?? null;
}

export type Reading =
  | { kind: "nothing" }
  | { kind: "typed"; text: string }
  | { kind: "ended"; text: string; hangul: boolean };

/** Collects presses until Enter or Tab. What was begun and left for `staleMs` doesn't join the next barcode. */
export class BarcodeReader {
  private text = "";
  private hangul = false;
  private lastAt = Number.NEGATIVE_INFINITY;
  private readonly staleMs: number;

  constructor(staleMs = Number.POSITIVE_INFINITY) {
    this.staleMs = staleMs;
  }

  /** What was read so far. */
  get value(): string {
    return this.text;
  }

  /** Puts other text in its place: pasted, typed by an input method, or nothing. */
  set(text: string): void {
    this.text = text;
    this.hangul = false;
  }

  /** `now` in milliseconds of any clock that only goes forward. */
  press(press: Press, now: number): Reading {
    if (now - this.lastAt > this.staleMs) this.set("");
    if (press.key === "Enter" || press.key === "Tab" || press.code === "Enter" || press.code === "NumpadEnter") {
      return this.end();
    }
    if (press.key === "Backspace") {
      this.text = this.text.slice(0, -1);
      return { kind: "typed", text: this.text };
    }
    const read = characterOf(press);
    if (!read) return { kind: "nothing" };
    this.lastAt = now;
    this.text += read.char;
    this.hangul ||= read.hangul;
    return { kind: "typed", text: this.text };
  }

  private end(): Reading {
    const text = this.text;
    if (text === "") return { kind: "nothing" };
    const { hangul } = this;
    this.set("");
    return { kind: "ended", text, hangul };
  }
}
