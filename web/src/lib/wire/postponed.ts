/** Acks that the appliance couldn't take just now, to be sent again: in their order, of a delivery only the newest. */
import type { Ack } from "../messages";

const FIRST_MS = 1_000;
const GROWTH = 1.5;
const CAP_MS = 5_000;

type Timer = ReturnType<typeof setTimeout>;

export class Postponed {
  private readonly kept = new Map<string, Ack>();
  private readonly onDue: () => void;
  private readonly random: () => number;
  private tries = 0;
  private isDue = false;
  private timer: Timer | undefined;

  /** `onDue` is called when `due` has something. */
  constructor(onDue: () => void, random: () => number = Math.random) {
    this.onDue = onDue;
    this.random = random;
  }

  get size(): number {
    return this.kept.size;
  }

  /** What to send again now; it stays here until it has `arrived`. */
  get due(): Ack | undefined {
    return this.isDue ? this.kept.values().next().value : undefined;
  }

  /** Whether it waits here behind others, instead of being refused like them. */
  takes(ack: Ack): boolean {
    if (this.kept.size === 0) return false;
    this.kept.set(ack.id, ack);
    return true;
  }

  /** It was refused for now, and for `atLeastMs`. */
  refused(ack: Ack, atLeastMs: number): void {
    if (!this.kept.has(ack.id)) this.kept.set(ack.id, ack);
    this.isDue = false;
    const full = Math.min(CAP_MS, FIRST_MS * GROWTH ** Math.min(this.tries++, 10));
    clearTimeout(this.timer);
    this.timer = setTimeout(
      () => {
        this.isDue = true;
        this.onDue();
      },
      Math.max(atLeastMs, full * (0.5 + this.random() / 2)),
    );
  }

  /** It needs no more sending; a newer one of its delivery does. */
  arrived(ack: Ack): void {
    this.tries = 0;
    if (this.kept.get(ack.id) === ack) this.kept.delete(ack.id);
  }

  drop(): void {
    clearTimeout(this.timer);
    this.kept.clear();
  }
}
