/**
 * One tab at a time, by a lease in the shared storage. The Web Locks API would do this, but it doesn't exist on plain
 * http addresses of a LAN, which is where stations live.
 */
import { pause } from "./pause";

export type LeaseStore = { get(): string | null; set(text: string | null): boolean };
export type LeaseDeps = {
  store: LeaseStore;
  owner: string;
  now?: () => number;
  sleep?: (ms: number) => Promise<void>;
};

/** Longer than the two calls of a renewal may take. */
const HOLD_MS = 20_000;
const SETTLE_MS = 40;
const POLL_MS = 250;

export class Lease {
  private readonly store: LeaseStore;
  private readonly owner: string;
  private readonly now: () => number;
  private readonly sleep: (ms: number) => Promise<void>;

  constructor({ store, owner, now = Date.now, sleep = pause }: LeaseDeps) {
    this.store = store;
    this.owner = owner;
    this.now = now;
    this.sleep = sleep;
  }

  /** Runs `work` while no other tab does. A holder that died gives way after 20 s. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    while (!(await this.take())) await this.sleep(POLL_MS);
    try {
      return await work();
    } finally {
      if (this.holder() === this.owner) this.store.set(null);
    }
  }

  private async take(): Promise<boolean> {
    const holder = this.holder();
    if (holder !== null && holder !== this.owner) return false;
    const kept = this.store.set(JSON.stringify({ owner: this.owner, until: this.now() + HOLD_MS }));
    if (!kept) return true; // no storage, so there is nothing to share with another tab either
    await this.sleep(SETTLE_MS); // two tabs that wrote in the same moment both read the later one
    return this.holder() === this.owner;
  }

  private holder(): string | null {
    try {
      const value = JSON.parse(this.store.get() ?? "null") as { owner?: unknown; until?: unknown } | null;
      if (typeof value?.owner !== "string" || typeof value.until !== "number") return null;
      const left = value.until - this.now();
      return left > 0 && left <= HOLD_MS ? value.owner : null; // beyond that the clock was set back
    } catch {
      return null;
    }
  }
}
