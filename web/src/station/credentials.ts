/**
 * The pairing's tokens: handed out fresh, renewed a minute before their end, one renewal at a time in all tabs.
 * Refresh first, the device secret when that is refused, and NoCredential when that is refused too.
 */
import { post } from "../lib/api";
import { ProblemError } from "../lib/errors";
import { loadPairing, PAIRING_KEY, type Pairing, savePairing } from "../lib/pairing";
import { recall, remember } from "../lib/storage";
import { NoCredential } from "../lib/wire/connection";
import { Lease } from "./lease";
import { uuid } from "./uuid";

/** `givenAt` is this PC's clock; a pairing that another page wrote has none. */
type Held = Pairing & { givenAt?: number };
type Renewed = { accessToken: string; refreshToken: string; expiresIn: number };

const LEASE_KEY = "vooster.renewing";
const LEAD_MS = 60_000;
const CHECK_MS = 5_000;
const TIMEOUT_MS = 8_000;
/** What the appliance says of a credential itself. A proxy's 403 or another host's 404 must not end a pairing. */
const REFUSALS = new Set([
  "TOKEN_INVALID",
  "TOKEN_EXPIRED",
  "CREDENTIALS_INVALID",
  "PERMISSION_DENIED",
  "SCREEN_NOT_FOUND",
  "VALIDATION_ERROR",
]);

export class Credentials {
  /** Called with each token that replaced another, here or in another tab. */
  onRenewed: (token: string) => void = () => {};
  /** Called when a pairing appeared or went away, here or in another tab. */
  onPairing: (pairing: Pairing | null) => void = () => {};

  private held: Held | null;
  private monotonicEnd = Number.POSITIVE_INFINITY;
  /** Tokens refused one after another without a session in between. */
  private refusals = 0;
  private refusedToken = "";
  private renewing: Promise<string> | null = null;
  private readonly lease = new Lease({
    store: { get: () => recall(LEASE_KEY), set: (text) => remember(LEASE_KEY, text) },
    owner: uuid(),
  });

  constructor() {
    this.held = loadPairing();
    if (this.held) this.measure(this.held);
    addEventListener("storage", (event) => {
      if (event.key === PAIRING_KEY || event.key === null) this.reread();
    });
  }

  get pairing(): Pairing | null {
    return this.held;
  }

  /** Looks at the clock every few seconds, because a timer of 14 minutes doesn't survive a PC that sleeps. */
  watch(): void {
    setInterval(() => {
      if (this.held && this.isDue()) void this.renew().catch(() => {}); // the next check or the next hello tries again
    }, CHECK_MS);
  }

  /** A token to use now. Rejects with NoCredential or, where the appliance can't be reached, a ProblemError. */
  async token(): Promise<string> {
    if (!this.held) throw new NoCredential();
    if (this.isDue() || this.held.accessToken === this.refusedToken) return this.renew();
    return this.held.accessToken;
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

  /** This browser became a screen. */
  adopt(pairing: Pairing): void {
    this.accepted();
    this.keep({ ...pairing, givenAt: Date.now() });
    this.onPairing(pairing);
  }

  forget(): void {
    this.held = null;
    savePairing(null);
    this.accepted();
    this.onPairing(null);
  }

  renew(): Promise<string> {
    const old = this.held?.accessToken;
    this.renewing ??= this.lease
      .run(() => this.exchange(old))
      .finally(() => {
        this.renewing = null;
      });
    return this.renewing;
  }

  private async exchange(old: string | undefined): Promise<string> {
    const stored = loadPairing() as Held | null;
    if (stored && stored.accessToken !== old) return this.use(stored); // another tab was quicker
    const held = this.held;
    if (!held) throw new NoCredential();
    if (this.refusals < 2) {
      const renewed = await this.ask<Renewed>("/api/auth/refresh", { refreshToken: held.refreshToken });
      if (renewed) return this.use({ ...held, ...renewed, givenAt: Date.now() });
    }
    if (this.refusals < 3) {
      const { screenId, deviceSecret } = held;
      const renewed = await this.ask<Pairing>("/api/auth/device", { screenId, deviceSecret });
      if (renewed) return this.use({ ...held, ...renewed, givenAt: Date.now() });
    }
    throw new NoCredential();
  }

  /** Null where the credential itself was refused; anything else that went wrong is thrown. */
  private async ask<T>(path: string, body: unknown): Promise<T | null> {
    try {
      return await post<T>(path, body, { csrf: false, timeoutMs: TIMEOUT_MS });
    } catch (error) {
      if (error instanceof ProblemError && REFUSALS.has(error.problem.code)) return null;
      throw error;
    }
  }

  private use(held: Held): string {
    this.keep(held);
    this.onRenewed(held.accessToken);
    return held.accessToken;
  }

  private keep(held: Held): void {
    this.held = held;
    this.measure(held);
    savePairing(held);
  }

  private measure(held: Held): void {
    held.givenAt ??= Date.now();
    this.monotonicEnd = performance.now() + held.givenAt + held.expiresIn * 1000 - Date.now();
  }

  /** Two clocks, the earlier counts: one may be set back by a person, the other stops while the PC sleeps. */
  private isDue(): boolean {
    const { givenAt = 0, expiresIn = 0 } = this.held ?? {};
    const lead = Math.min(LEAD_MS, expiresIn * 500);
    return Date.now() >= givenAt + expiresIn * 1000 - lead || performance.now() >= this.monotonicEnd - lead;
  }

  private reread(): void {
    const before = this.held;
    const stored = loadPairing() as Held | null;
    if (stored?.accessToken === before?.accessToken) return;
    this.held = stored;
    if (stored) this.measure(stored);
    if (stored && before && stored.screenId === before.screenId) this.onRenewed(stored.accessToken);
    else this.onPairing(stored);
  }
}
