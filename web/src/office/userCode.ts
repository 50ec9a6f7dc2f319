/** The pairing code as people type it: twenty consonants, capitals or not, dashes or not, Korean layout or not. */

export const ALPHABET = "BCDFGHJKLMNPQRSTVWXZ";
const INITIALS = "r R s e E f a q Q t T d w W c z x v g".split(" ");
const JAMO: Record<string, string> = Object.fromEntries(
  [..."ㅂㅈㄷㄱㅅㅛㅕㅑㅐㅔㅁㄴㅇㄹㅎㅗㅓㅏㅣㅋㅌㅊㅍㅠㅜㅡㅃㅉㄸㄲㅆ"].map((jamo, index) => [
    jamo,
    "QWERTYUIOPASDFGHJKLZXCVBNMQWERT"[index] ?? "",
  ]),
);

/** Hangul that a Korean input method made of a letter key, back to that letter; other characters as they are. */
function latin(char: string): string {
  const jamo = JAMO[char];
  if (jamo) return jamo;
  const point = char.codePointAt(0) ?? 0;
  if (point < 0xac00 || point > 0xd7a3) return char;
  return INITIALS[Math.floor((point - 0xac00) / 588)] ?? "";
}

/** Only the code's letters, as capitals, at most `length`. */
export function codeLetters(typed: string, length = 8): string {
  return [...typed.normalize("NFC")]
    .map((char) => latin(char).toUpperCase())
    .filter((char) => ALPHABET.includes(char))
    .join("")
    .slice(0, length);
}

/** BCDF-GHJK; shorter ones without the dash at their end. */
export function withDash(letters: string): string {
  return letters.length > 4 ? `${letters.slice(0, 4)}-${letters.slice(4)}` : letters;
}

let typedCode = "";

/** A whole code typed on one of the pages: whoever did has read it off the screen, and isn't asked for its end again. */
export function rememberTyped(letters: string): void {
  typedCode = letters;
}

/** The end of the code that was typed and begins so; empty when it came from a camera. */
export function typedHalf(prefix: string): string {
  return typedCode.startsWith(prefix) ? typedCode.slice(4) : "";
}
