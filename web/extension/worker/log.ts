/** The plain log of the options page: what happened, in words, the newest last. */
import type { Text } from "../../src/lib/i18n";
import type { Entry } from "../view";
import type { Keeper, Lasting } from "./kept";

const MOST = 50;

export class Log {
  private readonly kept: Keeper<Lasting>;

  constructor(kept: Keeper<Lasting>) {
    this.kept = kept;
  }

  get entries(): Entry[] {
    return this.kept.get("log") ?? [];
  }

  /** What is so again each time the worker wakes: said where it doesn't stand there. */
  once(ko: string, en: string): void {
    if (!this.entries.some(({ text }) => text.ko === ko)) this.add(ko, en);
  }

  add(ko: string, en: string): void {
    const text: Text = { ko, en };
    this.kept.set("log", [...this.entries, { at: Date.now(), text }].slice(-MOST));
  }
}
