/**
 * The pairing's tokens: handed out fresh, renewed a minute before their end, one renewal at a time in all windows.
 * Refresh first, the device secret when that is refused, and NoCredential when that is refused too.
 *
 * Where they are kept, how calls are made and what the time is comes from outside: pages have their ways
 * (browserTokens.ts), an extension has others.
 */
import { ProblemError } from "./errors";
import type { Pairing } from "./pairing";
import { NoCredential } from "./wire/connection";

/** `givenAt` is this PC's clock; a pairing that another page wrote has none. */
export type Held = Pairing & { givenAt?: number };
type Renewed = { accessToken: string; refreshToken: string; expiresIn: number };

export type TokenDeps = {
  /** What is kept as this begins. */
  held: Held | null;
  /** What is kept now: another window may have written it. */
  read(): Held | null | Promise<Held | null>;
  write(held: Held | null): unknown;
  /** Calls back when another window has changed what is kept. */
  onWritten?(changed: () => void): void;
  /** Runs `work` while no other window runs its own. */
  alone<T>(work: () => Promise<T>): Promise<T>;
  /** One call to the appliance; rejects with a ProblemError. */
  post<T>(path: string, body: unknown): Promise<T>;
  /** Wall time in ms. */
  now?: () => number;
  /** A clock that nobody sets, in ms. */
  monotonic?: () => number;
  setTimer?: (call: () => void, ms: number) => unknown;
};

const LEAD_MS = 60_000;
/** The longest sleep of a timer: one set for 14 minutes would oversleep with the PC. */
const CHECK_MS = 5_000;
/** The longest that an answer of "too many" can keep it from trying. */
const QUIET_MOST_MS = 60_000;
/** What the appliance says of a credential itself. A proxy's 403 or another host's 404 must not end a pairing. */
const REFUSALS = new Set([
  "TOKEN_INVALID",
  "TOKEN_EXPIRED",
  "CREDENTIALS_INVALID",
  "PERMISSION_DENIED",
  "SCREEN_NOT_FOUND",
  "VALIDATION_ERROR",
]);

export class TokenManager {
  /** Called with each token that replaced another, here or in another window. */
  onRenewed: (token: string) => void = () => {};
  /** Called when a pairing appeared or went away, here or in another window. */
  onPairing: (pairing: Pairing | null) => void = () => {};

  private readonly deps: TokenDeps;
  private readonly now: () => number;
  private readonly monotonic: () => number;
  private readonly setTimer: (call: () => void, ms: number) => unknown;
  private held: Held | null;
  private monotonicEnd = Number.POSITIVE_INFINITY;
  /** The appliance asked not to be asked before, by the monotonic clock. */
  private quiet: { until: number; error: unknown } = { until: 0, error: null };
  /** Tokens refused one after another without a session in between. */
  private refusals = 0;
  private refusedToken = "";
  private renewing: Promise<string> | null = null;
  /** Grows with every plan: a timer of an earlier one does nothing. */
  private plans = 0;
  private isWatching = false;

  constructor(deps: TokenDeps) {
    this.deps = deps;
    this.now = deps.now ?? Date.now;
    this.monotonic = deps.monotonic ?? (() => performance.now());
    this.setTimer = deps.setTimer ?? ((call, ms) => setTimeout(call, ms));
    this.held = deps.held;
    if (this.held) this.measure(this.held);
    deps.onWritten?.(() => void this.reread());
  }

  get pairing(): Pairing | null {
    return this.held;
  }

  /** Renews by itself from now on. */
  watch(): void {
    this.isWatching = true;
    void this.check();
  }

  /** Renews if it is time. For whatever wakes: a timer, a page that is seen again, an alarm of an extension. */
  async check(): Promise<void> {
    // What went wrong is tried again by the next timer, and by the next hello.
    if (this.held && this.isDue()) await this.renew().catch(() => {});
    if (this.isWatching) this.plan();
  }

  /** A token to use now. Rejects with NoCredential or, where the appliance can't be reached, a ProblemError. */
  async token(): Promise<string> {
    if (!this.held) throw new NoCredential();
    const { accessToken } = this.held;
    const isRefused = accessToken === this.refusedToken;
    if (!isRefused && !this.isDue()) return accessToken;
    try {
      return await this.renew();
    } catch (error) {
      // Renewed early there is still time: a session with this token is better than none.
      if (error instanceof NoCredential || isRefused || this.left() <= 0) throw error;
      return accessToken;
    }
  }

  /** The appliance doesn't take this token. */
  refuse(token: string): void {
    this.refusedToken = token;
    this.refusals++;
  }

  /** The appliance took the token. */
  accepted(): void {
    this.refusals = 0;
    this.refusedToken = "";
  }

  /** The appliance says when the token ends; it knows better than a clock that was set wrong. */
  expiring(inSeconds: number): void {
    this.monotonicEnd = Math.min(this.monotonicEnd, this.monotonic() + inSeconds * 1000);
    if (this.isDue()) void this.check();
    else if (this.isWatching) this.plan();
  }

  /** This browser became a screen. */
  adopt(pairing: Pairing): void {
    this.accepted();
    this.keep({ ...pairing, givenAt: this.now() });
    this.onPairing(pairing);
  }

  forget(): void {
    this.held = null;
    this.deps.write(null);
    this.accepted();
    this.onPairing(null);
  }

  renew(): Promise<string> {
    if (this.monotonic() < this.quiet.until) return Promise.reject(this.quiet.error);
    const old = this.held?.accessToken;
    this.renewing ??= this.deps
      .alone(() => this.exchange(old))
      .catch((error: unknown) => {
        const seconds = error instanceof ProblemError ? (error.problem.retryAfterSeconds ?? 0) : 0;
        this.quiet = { until: this.monotonic() + Math.min(QUIET_MOST_MS, seconds * 1000), error };
        throw error;
      })
      .finally(() => {
        this.renewing = null;
      });
    return this.renewing;
  }

  private async exchange(old: string | undefined): Promise<string> {
    const stored = await this.deps.read();
    if (stored && stored.accessToken !== old) return this.take(stored); // another window was quicker
    const { held } = this;
    if (!held) throw new NoCredential();
    if (this.refusals < 2) {
      const renewed = await this.ask<Renewed>("/api/auth/refresh", { refreshToken: held.refreshToken });
      if (renewed) return this.give(held, renewed);
    }
    if (this.refusals < 3) {
      const { screenId, deviceSecret } = held;
      const renewed = await this.ask<Pairing>("/api/auth/device", { screenId, deviceSecret });
      if (renewed) return this.give(held, renewed);
    }
    throw new NoCredential();
  }

  /** Null where the credential itself was refused; anything else that went wrong is thrown. */
  private async ask<T>(path: string, body: unknown): Promise<T | null> {
    try {
      return await this.deps.post<T>(path, body);
    } catch (error) {
      if (error instanceof ProblemError && REFUSALS.has(error.problem.code)) return null;
      throw error;
    }
  }

  /** What the appliance answered, unless this browser has become something else meanwhile. */
  private give(before: Held, renewed: Renewed): string {
    const { held } = this;
    if (!held) throw new NoCredential();
    if (held !== before) return held.accessToken;
    this.keep({ ...before, ...renewed, givenAt: this.now() });
    this.onRenewed(renewed.accessToken);
    return renewed.accessToken;
  }

  /** What another window has written; nothing is written back. */
  private take(stored: Held | null): string {
    const before = this.held;
    this.held = stored;
    if (stored) this.measure(stored);
    if (stored && before && stored.screenId === before.screenId) this.onRenewed(stored.accessToken);
    else this.onPairing(stored);
    if (this.isWatching) this.plan();
    return stored?.accessToken ?? "";
  }

  private keep(held: Held): void {
    this.held = held;
    this.measure(held);
    this.deps.write(held);
    if (this.isWatching) this.plan();
  }

  private measure(held: Held): void {
    held.givenAt ??= this.now();
    this.quiet = { until: 0, error: null };
    this.monotonicEnd = this.monotonic() + held.givenAt + held.expiresIn * 1000 - this.now();
  }

  private async reread(): Promise<void> {
    const stored = await this.deps.read();
    if (stored?.accessToken !== this.held?.accessToken) this.take(stored);
  }

  // Time

  /** Of the token's life, in ms. Two clocks, the earlier counts: one may be set, the other stops while the PC sleeps. */
  private left(): number {
    const { givenAt = 0, expiresIn = 0 } = this.held ?? {};
    return Math.min(givenAt + expiresIn * 1000 - this.now(), this.monotonicEnd - this.monotonic());
  }

  private untilDue(): number {
    return this.left() - Math.min(LEAD_MS, (this.held?.expiresIn ?? 0) * 500);
  }

  private isDue(): boolean {
    return this.untilDue() <= 0;
  }

  private plan(): void {
    const plan = ++this.plans;
    // Due and still here means that a try has just failed: the next one isn't at once.
    const wait = this.held && !this.isDue() ? Math.min(CHECK_MS, this.untilDue()) : CHECK_MS;
    this.setTimer(() => {
      if (plan === this.plans) void this.check();
    }, wait);
  }
}
