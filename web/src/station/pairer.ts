/** How this browser becomes a screen: by the code on the monitor, or by an offer that a hand scanner typed. */
import { signal } from "@preact/signals";
import { post } from "../lib/api";
import { type Problem, problemIn } from "../lib/errors";
import type { Pairing } from "../lib/pairing";
import { pause } from "../lib/pause";
import { clientName, display } from "./client";
import { keepCode, keptCode } from "./codekeeper";
import { send } from "./devicecalls";
import { type Asking, pairDevice } from "./deviceflow";
import type { Offer } from "./offer";

const PROBLEM_MS = 15_000;
/** A scanner may end with two line ends; the second one isn't a person's answer. */
const DEAF_MS = 700;

export class Pairer {
  /** The pairing under way; null when this browser is a screen. */
  readonly asking = signal<Asking | null>(null);
  /** An offer waiting for a person's yes. */
  readonly offer = signal<Offer | null>(null);
  readonly problem = signal<{ problem: Problem; until: number } | null>(null);

  private readonly paired: (pairing: Pairing) => void;
  private abort: AbortController | null = null;
  private offeredAt = 0;

  constructor(paired: (pairing: Pairing) => void) {
    this.paired = paired;
  }

  /** Asks for a code, a new one where there was one. */
  ask(): void {
    this.abort?.abort();
    const abort = new AbortController();
    this.abort = abort;
    this.asking.value = { kind: "asking" };
    const flow = pairDevice(
      {
        send,
        sleep: pause,
        now: () => performance.now(),
        request: () => ({ client: clientName(), displays: [display()] }),
        onState: (state) => {
          if (!abort.signal.aborted) this.asking.value = state;
        },
        keep: (code) => {
          if (!abort.signal.aborted) keepCode(code);
        },
        kept: keptCode,
      },
      abort.signal,
    );
    flow.then(
      (pairing) => {
        if (!abort.signal.aborted) this.paired(pairing);
      },
      () => {}, // aborted: this browser was paired another way
    );
  }

  stop(): void {
    this.abort?.abort();
    keepCode(null);
    this.asking.value = null;
  }

  /** Enter on a page that only waits: a new code at once. */
  hurry(): void {
    const { kind } = this.asking.value ?? {};
    if (kind === "denied" || kind === "unreachable") this.ask();
  }

  /** A hand scanner read an offer. Reading the same one again says yes, for stations without a keyboard. */
  scanned(offer: Offer): void {
    if (this.offer.value?.token === offer.token) {
      this.accept();
    } else {
      this.offer.value = offer;
      this.offeredAt = performance.now();
    }
  }

  accept(): void {
    const offer = this.offer.value;
    if (offer && performance.now() - this.offeredAt >= DEAF_MS) void this.claim(offer);
  }

  dismiss(): void {
    this.offer.value = null;
  }

  tick(now: number): void {
    if (this.problem.value && now >= this.problem.value.until) this.problem.value = null;
  }

  private async claim({ screenId, token }: Offer): Promise<void> {
    this.offer.value = null;
    try {
      const body = { screenId, token, client: clientName() };
      this.paired(await post<Pairing>("/api/pairing/claim", body, { csrf: false }));
    } catch (error) {
      this.problem.value = { problem: problemIn(error), until: performance.now() + PROBLEM_MS };
    }
  }
}
