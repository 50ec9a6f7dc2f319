/** Why a barcode can't be an order's number: contract, section 1, "order". The appliance decides, this only explains. */

export type Fault = { kind: "characters"; wrong: string[] } | { kind: "long" } | { kind: "other" };

const MOST = 128;
const WRONG = /[^\p{L}\p{N}\p{M} ._:/+#$=@,()-]/gu;

/** What the appliance refused `text` for. `wrong` has each character once, in the order they come. */
export function faultOf(text: string): Fault {
  const wrong = [...new Set(text.match(WRONG) ?? [])];
  if (wrong.length > 0) return { kind: "characters", wrong: wrong.map(visible) };
  return [...text].length > MOST ? { kind: "long" } : { kind: "other" };
}

/** Control characters as the signs for them, and what has none by its number. */
function visible(char: string): string {
  const point = char.codePointAt(0) ?? 0;
  if (point < 0x20) return String.fromCodePoint(0x2400 + point);
  return /[\p{C}\p{Z}]/u.test(char) ? `U+${point.toString(16).toUpperCase().padStart(4, "0")}` : char;
}
