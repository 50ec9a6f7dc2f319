/**
 * Which wire to try next. WebSocket unless something between here and the appliance lets plain HTTP through and drops
 * upgrades; then server-sent events, for a while that doubles each time WebSocket is found to be still dropped.
 */
import type { WireName } from "./wire";

export type Store = { get(): string | null; set(text: string | null): void };

export type Failure =
  /** Ended before a welcome. */
  | "refused"
  /** Taken, and then nothing came through. */
  | "silent"
  /** Welcomed, and broken before it was a heartbeat old. */
  | "short";

/** Of plain HTTP. `busy` is the appliance's own word, and says nothing of the way. */
export type Answer = "well" | "busy" | "none";

type Kept = { until: number; periodMs: number };

const ENOUGH = 20;
const STRIKES: Record<Failure, number> = { refused: 10, silent: 20, short: 10 };
/** For so long after an outage a refusal says little of the way: everybody comes back at once. */
const CROWD_MS = 60_000;
const CROWD_STRIKES = 1;
const FIRST_PERIOD_MS = 10 * 60_000;
const LONGEST_PERIOD_MS = 4 * 3_600_000;

export class WireChoice {
  /** What the next attempt is to use. */
  wire: WireName = "websocket";
  private strikes = 0;
  private periodMs = 0;
  private until = 0;
  private crowdUntil = 0;
  private readonly store: Store;
  private readonly clock: () => number;
  private readonly random: () => number;

  /** `clock` is wall time in ms, because what is remembered outlives the page. */
  constructor(store: Store, clock: () => number = Date.now, random: () => number = Math.random) {
    this.store = store;
    this.clock = clock;
    this.random = random;
    const kept = parse(store.get());
    if (!kept) return;
    this.periodMs = kept.periodMs;
    const left = kept.until - clock();
    // Beyond the longest period the clock was set back meanwhile.
    if (left <= 0 || left > LONGEST_PERIOD_MS) return;
    this.until = kept.until;
    this.wire = "events";
  }

  /** Whether such a failure may turn to the other wire: then the next attempt has to wait for what plain HTTP says. */
  decides(how: Failure): boolean {
    return this.strikes + this.weight(how) >= ENOUGH;
  }

  /**
   * An attempt on the chosen wire went wrong; `answer` is what plain HTTP said just after. One refusal is never enough:
   * an appliance that starts may refuse the attempt and be there for the question.
   */
  failed(how: Failure, answer: Answer): void {
    if (answer !== "well") {
      this.strikes = 0; // the appliance is away or has no time, and nothing is learnt about what is between
      this.expectCrowd();
      return;
    }
    this.strikes += this.weight(how);
    if (this.strikes < ENOUGH) return;
    const isDropped = this.wire === "websocket";
    this.turnTo(isDropped ? "events" : "websocket");
    if (isDropped) this.wait();
  }

  welcomed(wire: WireName): void {
    if (wire === "websocket") {
      this.store.set(null);
      return;
    }
    this.strikes = 0;
    this.keep();
  }

  /** A WebSocket has ended that outlived its heartbeats: nothing was wrong with the way. */
  proven(): void {
    this.strikes = 0;
    this.periodMs = 0;
  }

  /** There is an outage: after it everybody comes back at once, and some are refused or welcomed late for that. */
  expectCrowd(): void {
    this.crowdUntil = this.clock() + CROWD_MS;
  }

  get isCrowded(): boolean {
    const left = this.crowdUntil - this.clock();
    return left > 0 && left <= CROWD_MS; // beyond it the clock was set back
  }

  /** Milliseconds until WebSocket is due to be tried again from a session over events. */
  get trialInMs(): number {
    return Math.max(0, this.until - this.clock());
  }

  tried(passed: boolean): void {
    if (passed) {
      this.turnTo("websocket");
    } else {
      this.wait();
      this.keep();
    }
  }

  private weight(how: Failure): number {
    if (how === "short" && this.wire === "events") return 0; // it was welcomed: upgrades are no more likely to pass
    return this.isCrowded && how !== "short" ? CROWD_STRIKES : STRIKES[how];
  }

  private turnTo(wire: WireName): void {
    this.wire = wire;
    this.strikes = 0;
  }

  private wait(): void {
    this.periodMs = Math.min(LONGEST_PERIOD_MS, Math.max(FIRST_PERIOD_MS, this.periodMs * 2));
    // Only shorter, so that a hall of screens doesn't try in one moment.
    this.until = this.clock() + this.periodMs * (0.75 + this.random() / 4);
  }

  private keep(): void {
    this.store.set(JSON.stringify({ until: this.until, periodMs: this.periodMs } satisfies Kept));
  }
}

function parse(text: string | null): Kept | null {
  try {
    const value = JSON.parse(text ?? "null") as Partial<Kept> | null;
    if (!Number.isFinite(value?.until) || !Number.isFinite(value?.periodMs)) return null;
    return { until: Number(value?.until), periodMs: Math.min(LONGEST_PERIOD_MS, Number(value?.periodMs)) };
  } catch {
    return null;
  }
}
