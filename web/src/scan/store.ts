/**
 * The scans this browser remembers: all that the appliance doesn't have yet, and the last ten.
 * One entry a scan, so that two windows never write over each other's.
 */
import type { Problem } from "../lib/errors";
import { isOwed, type Outcome } from "./outcome";

export type Scan = {
  /** UUID of the trigger: the same id is sent until the appliance has it. */
  id: string;
  /** The appliance's clock, as far as it is known. */
  timestamp: number;
  orderId: string;
  /** Null: the screen this browser is, or, while it is placeless, not chosen yet. */
  screenId: string | null;
  screenName: string;
  outcome: Outcome;
  /** This PC's clock. */
  madeAt: number;
  /** From Enter to the answer, where one page saw both. */
  tookMs: number | null;
  problem: Problem | null;
  /** More than 1 while the appliance tries again. */
  attempt: number;
};

export type ScanStorage = Pick<Storage, "getItem" | "setItem" | "removeItem" | "key" | "length">;

const PREFIX = "vooster.scan.";
const RECENT = 10;

export class ScanStore {
  private readonly storage: ScanStorage | null;
  private scans = new Map<string, Scan>();

  /** Without a storage (the browser refuses it) scans live as long as the page. */
  constructor(storage: ScanStorage | null) {
    this.storage = storage;
    for (const scan of this.read()) this.scans.set(scan.id, scan);
  }

  /** Newest first. */
  all(): Scan[] {
    return [...this.scans.values()].sort((a, b) => b.madeAt - a.madeAt);
  }

  get(id: string): Scan | undefined {
    return this.scans.get(id);
  }

  /** Answers false where the browser didn't keep it. */
  put(scan: Scan): boolean {
    this.scans.set(scan.id, scan);
    const kept = this.write(scan);
    this.prune();
    return kept;
  }

  remove(id: string): void {
    this.scans.delete(id);
    try {
      this.storage?.removeItem(PREFIX + id);
    } catch {
      // a storage that can't be written can't hold it either
    }
  }

  private prune(): void {
    const done = this.all().filter((scan) => !isOwed(scan.outcome));
    for (const scan of done.slice(RECENT)) this.remove(scan.id);
  }

  private write(scan: Scan): boolean {
    try {
      this.storage?.setItem(PREFIX + scan.id, JSON.stringify(scan));
      return this.storage !== null;
    } catch {
      return false;
    }
  }

  private read(): Scan[] {
    const found: Scan[] = [];
    const { storage } = this;
    for (let at = 0; storage && at < storage.length; at++) {
      const key = storage.key(at);
      if (!key?.startsWith(PREFIX)) continue;
      const scan = parse(storage.getItem(key));
      if (scan && key === PREFIX + scan.id) found.push(scan);
    }
    return found;
  }
}

function parse(text: string | null): Scan | null {
  try {
    const value = JSON.parse(text ?? "null") as Partial<Scan> | null;
    if (typeof value?.id !== "string" || typeof value.orderId !== "string") return null;
    if (typeof value.timestamp !== "number" || typeof value.outcome !== "string") return null;
    return {
      screenId: null,
      screenName: "",
      tookMs: null,
      problem: null,
      attempt: 1,
      madeAt: value.timestamp,
      ...value,
    } as Scan;
  } catch {
    return null;
  }
}
