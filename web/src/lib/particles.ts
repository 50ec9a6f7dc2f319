/** Korean particles after names and numbers: they follow the reading of the last sound, digits and Latin letters included. */

export type Particle = "을/를" | "은/는" | "이/가" | "과/와" | "으로/로";

type Ending = "none" | "rieul" | "other";

const DIGITS: Record<string, Ending> = {
  "0": "other", // 영
  "1": "rieul", // 일
  "2": "none",
  "3": "other", // 삼
  "4": "none",
  "5": "none",
  "6": "other", // 육
  "7": "rieul", // 칠
  "8": "rieul", // 팔
  "9": "none",
};
const LETTERS: Record<string, Ending> = { l: "rieul", m: "other", n: "other", r: "rieul" };

function endingOf(word: string): Ending {
  for (const char of [...word.normalize("NFC")].reverse()) {
    const point = char.codePointAt(0) ?? 0;
    if (point >= 0xac00 && point <= 0xd7a3) {
      const final = (point - 0xac00) % 28;
      return final === 0 ? "none" : final === 8 ? "rieul" : "other";
    }
    const digit = DIGITS[char];
    if (digit) return digit;
    if (/[a-z]/i.test(char)) return LETTERS[char.toLowerCase()] ?? "none";
  }
  return "none";
}

/** The particle alone, for words that stand in an element of their own. */
export function particle(word: string, pair: Particle): string {
  const [closed, open] = pair.split("/") as [string, string];
  const ending = endingOf(word);
  if (pair === "으로/로" && ending === "rieul") return open;
  return ending === "none" ? open : closed;
}

/** `withParticle("ORD-20459", "을/를")` is "ORD-20459를". */
export function withParticle(word: string, pair: Particle): string {
  return word + particle(word, pair);
}
