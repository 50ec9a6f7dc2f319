/** An address as a person types it: with the Korean layout left on, commas for dots, half a scheme, blanks. */
import { baseOf } from "../../worker/address";

/** What the keys write with the Latin layout, in Unicode's order of the jamo. */
const INITIALS = "r R s e E f a q Q t T d w W c z x v g".split(" ");
const VOWELS = "k o i O j p u P h hk ho hl y n nj np nl b m ml l".split(" ");
const FINALS = "r R rt s sw sg e f fr fa fq ft fx fv fg a q qt t T d w c z x v g".split(" ");
const JAMO: [number, string[]][] = [
  [0x1100, INITIALS],
  [0x1161, VOWELS],
  [0x11a8, FINALS],
];

const UNSEEN = /[\u200b-\u200f\u2060\ufeff]/g;
const FOUR = /^(\d{1,3})[\s.]+(\d{1,3})[\s.]+(\d{1,3})[\s.]+(\d{1,3})(?:[\s:]+(\d{1,5}))?(?=[/\s]|$)/;
const IPV6 = /^[0-9a-f]*:[0-9a-f]*:[0-9a-f:]*$/i;
const IPV4_HOST = /^\d+(\.\d+){3}$/;

/** The address that is meant, as its origin: `팩ㄴㅅㄷㄱ` is typed for none, `192,168,0,5` for `http://192.168.0.5:8480`. */
export function meant(text: string): string | null {
  let typed = latin(text).replace(UNSEEN, "").trim().replace(/\\/g, "/").replace(/[,。]/g, ".");
  typed = typed.replace(/^(https?)(?:[:;]\/*|\/\/)/i, "$1://");
  const [scheme = ""] = /^https?:\/\//i.exec(typed) ?? [];
  let rest = typed
    .slice(scheme.length)
    .replace(FOUR, (_, a, b, c, d, port) => `${a}.${b}.${c}.${d}${port ? `:${port}` : ""}`);
  if (IPV6.test(rest)) rest = `[${rest}]`;
  const base = baseOf(scheme + rest);
  // Browsers take a lone number for an address: nobody means that.
  if (base && IPV4_HOST.test(new URL(base).hostname) && !rest.startsWith(new URL(base).hostname)) return null;
  return base;
}

/** Hangul as the keys that it was typed with; everything else as it is, wide letters made narrow. */
function latin(text: string): string {
  return [...text.normalize("NFKD")].map(keysOf).join("");
}

function keysOf(char: string): string {
  const point = char.codePointAt(0) ?? 0;
  for (const [first, keys] of JAMO) {
    const found = keys[point - first];
    if (found) return found;
  }
  return char;
}
