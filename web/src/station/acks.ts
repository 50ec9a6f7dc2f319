/** Acks that could not be sent yet. They wait for the next `welcome`, and die with the server's epoch. */
import type { Ack } from "../lib/messages";

const MOST = 200;

export class AckQueue {
  private waiting: Ack[] = [];
  private epoch: string | null = null;

  /** Keeps an ack; the newest of a delivery's same status replaces an earlier one. */
  keep(ack: Ack): void {
    this.waiting = this.waiting.filter((other) => other.id !== ack.id || other.status !== ack.status);
    this.waiting.push(ack);
    if (this.waiting.length > MOST) this.waiting.shift();
  }

  /** What to send now, in the order it was made; nothing of it where the epoch has changed. */
  welcome(epoch: string): Ack[] {
    const same = this.epoch === null || this.epoch === epoch;
    const due = same ? this.waiting : [];
    this.epoch = epoch;
    this.waiting = [];
    return due;
  }
}
