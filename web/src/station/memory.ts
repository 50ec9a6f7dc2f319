/**
 * What this screen has shown already, so that a message sent twice is shown once: contract, section 2, "Client".
 *
 * The newest `seq` outlives a reload, because an older order must not come back. What was shown doesn't: after a
 * reload nothing is on the monitor, and answering "shown" for it would be a lie.
 */
import type { Navigate } from "../lib/messages";

export type Verdict = "show" | "again" | "stale";
export type Store = { read(): string | null; write(text: string): void };

type Kept = { epoch: string; screenId: string; newest: Record<string, number> };

const MOST_SHOWN = 256;
const MOST_DISPLAYS = 16;

export class Memory {
  private kept: Kept;
  private readonly shown = new Set<string>();
  private readonly store: Store;

  constructor(store: Store) {
    this.store = store;
    this.kept = parse(store.read()) ?? { epoch: "", screenId: "", newest: {} };
  }

  /** At every `welcome`. Another epoch or another screen counts from the beginning. */
  welcome(epoch: string, screenId: string): void {
    if (this.kept.epoch === epoch && this.kept.screenId === screenId) return;
    this.kept = { epoch, screenId, newest: {} };
    this.shown.clear();
    this.save();
  }

  /** "again": already shown, ack it again. "stale": older than what this display has seen, ignore it. */
  judge(message: Pick<Navigate, "id" | "round" | "seq" | "displayIndex" | "restored">): Verdict {
    if (!message.restored && this.shown.has(key(message))) return "again";
    const display = String(message.displayIndex);
    const newest = this.kept.newest[display] ?? Number.NEGATIVE_INFINITY;
    if (message.seq < newest) return "stale";
    if (message.seq > newest) {
      const known = Object.keys(this.kept.newest);
      if (!(display in this.kept.newest) && known.length >= MOST_DISPLAYS) delete this.kept.newest[known[0] ?? ""];
      this.kept.newest[display] = message.seq;
      this.save();
    }
    return "show";
  }

  /** The document of this delivery is on the monitor now. */
  markShown(message: Pick<Navigate, "id" | "round">): void {
    this.shown.add(key(message));
    for (const oldest of this.shown) {
      if (this.shown.size <= MOST_SHOWN) break;
      this.shown.delete(oldest);
    }
  }

  /** The monitor was emptied by the page itself (another window took over): nothing is on it any more. */
  forgetShown(): void {
    this.shown.clear();
  }

  private save(): void {
    this.store.write(JSON.stringify(this.kept));
  }
}

function key(message: Pick<Navigate, "id" | "round">): string {
  return `${message.round} ${message.id}`;
}

function parse(text: string | null): Kept | null {
  try {
    const value = JSON.parse(text ?? "null") as Partial<Kept> | null;
    if (typeof value?.epoch !== "string" || typeof value.screenId !== "string") return null;
    const newest: Record<string, number> = {};
    for (const [display, seq] of Object.entries(value.newest ?? {}).slice(0, MOST_DISPLAYS)) {
      if (Number.isFinite(seq)) newest[display] = Number(seq);
    }
    return { epoch: value.epoch, screenId: value.screenId, newest };
  } catch {
    return null;
  }
}
