/** Korean and English: which one is on, and how a page asks for a text. Texts stand where they are used, both at once. */
import { effect, signal } from "@preact/signals";
import { recall, remember } from "./storage";

export type Lang = "ko" | "en";
export type Text = { ko: string; en: string };

const KEY = "vooster.lang";

function initial(): Lang {
  const kept = recall(KEY);
  if (kept === "ko" || kept === "en") return kept;
  return navigator.language.toLowerCase().startsWith("ko") ? "ko" : "en";
}

/** The language on now. Components that read it are drawn again when it changes. */
export const lang = signal<Lang>(initial());

export function setLang(next: Lang): void {
  remember(KEY, next);
  lang.value = next;
}

/** The text in the language on now. */
export function t(ko: string, en: string): string {
  return lang.value === "ko" ? ko : en;
}

export function pick(text: Text): string {
  return text[lang.value];
}

/** The other language: station pages say everything twice, because who stands there isn't known. */
export function otherLang(): Lang {
  return lang.value === "ko" ? "en" : "ko";
}

// An extension's service worker has the languages and no document.
if (typeof document !== "undefined") {
  effect(() => {
    document.documentElement.lang = lang.value;
  });
}
