/** The scans under way: sent one after another, followed until they end, kept while the appliance is away. */
import { signal } from "@preact/signals";
import { answer, get } from "../lib/api";
import { type Problem, problemIn, problemOf } from "../lib/errors";
import { pause } from "../lib/pause";
import { uuid } from "../lib/uuid";
import { NoCredential } from "../lib/wire/connection";
import { isAway, isEnded, isOld, isOwed, outcomeOf, type TriggerAnswer } from "./outcome";
import type { Scanner } from "./session";
import type { Scan, ScanStore } from "./store";

const WAIT_MS = 5_000;
/** After that the page looks whether the scan is saved already, while it waits for the answer. */
const LOOK_MS = 800;
const FOLLOW_MS = 1_000;
const FOLLOW_MOST_MS = 5_000;
const FOLLOW_FOR_MS = 15 * 60_000;
const RETRY_MS = 1_000;
const RETRY_MOST_MS = 5_000;
const ATTEMPTS = 3;

type Health = { timestamp?: string };

export class Desk {
  /** Newest first. */
  readonly scans = signal<Scan[]>([]);
  /** The appliance doesn't answer. */
  readonly away = signal(false);
  /** The browser keeps nothing: a scan made now is lost with the page. */
  readonly forgetful = signal(false);
  /** How far this PC's clock is behind the appliance's, in ms; known only once they have disagreed. */
  readonly clockOffMs = signal(0);
  /** A scan came to its end, for the sound. */
  onEnd: (scan: Scan) => void = () => {};

  private readonly store: ScanStore;
  private readonly scanner: Scanner;
  /** When each was made, by `performance.now()`. */
  private readonly startedAt = new Map<string, number>();
  private readonly following = new Set<string>();
  private running = false;
  private watching = false;

  constructor(store: ScanStore, scanner: Scanner) {
    this.store = store;
    this.scanner = scanner;
    this.scans.value = store.all();
  }

  /** Goes on with what an earlier page left. */
  resume(): void {
    for (const scan of this.store.all()) {
      if (scan.outcome === "sending" || scan.outcome === "kept" || scan.outcome === "signIn") {
        this.change(scan, { outcome: "queued" });
      } else if (!isOwed(scan.outcome) && !isEnded(scan.outcome)) {
        void this.follow(scan.id);
      }
    }
    void this.pump();
  }

  /** Sends an order to `screenId`; null for the screen this browser is. */
  submit(orderId: string, screenId: string | null, screenName: string): void {
    this.take(orderId, { screenId, screenName, outcome: "queued" });
    void this.pump();
  }

  /** Keeps an order until somebody has said where it goes. */
  hold(orderId: string): void {
    this.take(orderId, { screenId: null, screenName: "", outcome: "placeless" });
  }

  /** Sends what was held, in the order it was scanned. */
  sendHeld(screenId: string | null, screenName: string): void {
    const held = this.store.all().filter((scan) => scan.outcome === "placeless");
    for (const scan of held) this.change(scan, { screenId, screenName, outcome: "queued" });
    if (held.length > 0) void this.pump();
  }

  private take(orderId: string, to: Pick<Scan, "screenId" | "screenName" | "outcome">): void {
    const id = uuid();
    const scan: Scan = {
      id,
      timestamp: Date.now() + this.clockOffMs.value,
      orderId,
      ...to,
      madeAt: Date.now(),
      tookMs: null,
      problem: null,
      attempt: 1,
    };
    this.startedAt.set(id, performance.now());
    this.forgetful.value = !this.store.put(scan);
    this.scans.value = this.store.all();
  }

  /** "Still needed?" Yes makes it a new scan: the old id may never be sent again. */
  answerYes(scan: Scan): void {
    this.store.remove(scan.id);
    this.submit(scan.orderId, scan.screenId, scan.screenName);
  }

  answerNo(scan: Scan): void {
    this.change(scan, { outcome: "dropped" });
  }

  // Sending

  private async pump(): Promise<void> {
    if (this.running) return;
    const next = this.store.all().findLast((scan) => scan.outcome === "queued");
    if (!next) return;
    this.running = true;
    let released = false;
    const release = (): void => {
      if (released) return;
      released = true;
      this.running = false;
      queueMicrotask(() => void this.pump());
    };
    try {
      await this.send(next, release);
    } finally {
      release();
    }
  }

  private async send(scan: Scan, saved: () => void): Promise<void> {
    if (this.away.value) {
      this.change(scan, { outcome: "kept" });
      return;
    }
    if (isOld(scan, this.now())) {
      await this.ask(scan);
      return;
    }
    this.change(scan, { outcome: "sending", problem: null });
    const look = setTimeout(() => void this.look(scan.id, saved), LOOK_MS);
    try {
      for (let attempt = 1; ; attempt++) {
        const token = await this.scanner.bearer();
        try {
          this.learn(scan.id, await this.post(scan, token));
          this.scanner.accepted();
          break;
        } catch (error) {
          const unauthorised = problemIn(error).status === 401;
          if (!unauthorised || attempt >= ATTEMPTS || !(await this.scanner.refused(token))) throw error;
        }
      }
    } catch (error) {
      await this.failed(scan, error);
    } finally {
      clearTimeout(look);
    }
  }

  private async post(scan: Scan, bearer: string | undefined): Promise<TriggerAnswer> {
    const { id, timestamp, orderId, screenId } = scan;
    const body = { id, timestamp, orderId, screenId: screenId ?? undefined };
    const path = `/api/trigger?wait=shown&timeoutMs=${WAIT_MS}`;
    return (await answer<TriggerAnswer>("POST", path, { body, bearer, timeoutMs: WAIT_MS + 10_000 })).body;
  }

  private async failed(scan: Scan, error: unknown): Promise<void> {
    const problem = error instanceof NoCredential ? problemOf("TOKEN_INVALID") : problemIn(error);
    const current = this.store.get(scan.id);
    if (!current || !isOwed(current.outcome)) return; // a look in between found it saved
    if (isAway(problem)) {
      this.change(current, { outcome: "kept" });
      this.watch();
    } else if (problem.status === 401) {
      this.change(current, { outcome: "signIn", problem });
    } else if (problem.code === "REQUEST_EXPIRED") {
      await this.setClock();
      this.change(current, { outcome: "asking", problem });
    } else {
      this.end(current, { outcome: "refused", problem });
    }
  }

  /** Too old to be sent unasked: either it was saved back then and only the answer got lost, or a person is asked. */
  private async ask(scan: Scan): Promise<void> {
    try {
      this.learn(scan.id, await this.fetch(scan.id));
    } catch (error) {
      const problem = problemIn(error);
      if (isAway(problem)) {
        this.change(scan, { outcome: "kept" });
        this.watch();
      } else if (problem.status === 401) {
        this.change(scan, { outcome: "signIn", problem });
      } else {
        this.change(scan, { outcome: "asking", problem: null });
      }
    }
  }

  // Following

  /** While the answer is awaited: is it saved, so that the next scan can go? */
  private async look(id: string, saved: () => void): Promise<void> {
    while (this.store.get(id)?.outcome === "sending") {
      const found = await this.fetch(id).catch(() => null);
      if (found && this.store.get(id)?.outcome === "sending") {
        saved();
        this.learn(id, found);
        return;
      }
      await pause(FOLLOW_MS);
    }
  }

  /** What the appliance says of a scan it has. */
  private learn(id: string, trigger: TriggerAnswer): void {
    const scan = this.store.get(id);
    if (!scan || isEnded(scan.outcome)) return;
    const { outcome, final, code, attempt } = outcomeOf(trigger);
    const problem: Problem | null = code ? problemOf(code, { orderId: scan.orderId, n: attempt }) : null;
    if (final) {
      if (scan.outcome === outcome) return;
      this.end(scan, { outcome, problem, attempt });
    } else {
      this.change(scan, { outcome, problem, attempt });
      void this.follow(id);
    }
  }

  private async follow(id: string): Promise<void> {
    if (this.following.has(id)) return;
    this.following.add(id);
    const until = performance.now() + FOLLOW_FOR_MS;
    for (let wait = FOLLOW_MS; performance.now() < until; wait = Math.min(FOLLOW_MOST_MS, wait * 1.2)) {
      await pause(wait);
      const scan = this.store.get(id);
      if (!scan || isEnded(scan.outcome)) break;
      const found = await this.fetch(id).catch(() => null);
      if (found) this.learn(id, found);
    }
    this.following.delete(id);
  }

  private async fetch(id: string): Promise<TriggerAnswer> {
    return get<TriggerAnswer>(`/api/triggers/${id}`, { bearer: await this.scanner.bearer() });
  }

  // While the appliance is away

  private watch(): void {
    this.away.value = true;
    if (this.watching) return;
    this.watching = true;
    void this.awaitReturn();
  }

  private async awaitReturn(): Promise<void> {
    for (let wait = RETRY_MS; ; wait = Math.min(RETRY_MOST_MS, wait * 1.5)) {
      await pause(wait * (0.75 + Math.random() / 4));
      if (await this.isBack()) break;
    }
    this.watching = false;
    this.away.value = false;
    for (const scan of this.store.all()) {
      if (scan.outcome === "kept") this.change(scan, { outcome: "queued" });
    }
    void this.pump();
  }

  private async isBack(): Promise<boolean> {
    try {
      await get<Health>("/api/health/live", { timeoutMs: 4_000 });
      return true;
    } catch (error) {
      return !isAway(problemIn(error)) && problemIn(error).status !== 503;
    }
  }

  private async setClock(): Promise<void> {
    const health = await get<Health>("/api/health").catch(() => null);
    const at = Date.parse(health?.timestamp ?? "");
    if (Number.isFinite(at)) this.clockOffMs.value = at - Date.now();
  }

  private now(): number {
    return Date.now() + this.clockOffMs.value;
  }

  // Keeping

  private end(scan: Scan, to: Partial<Scan>): void {
    const started = this.startedAt.get(scan.id);
    this.startedAt.delete(scan.id);
    const tookMs = started === undefined ? null : Math.round(performance.now() - started);
    this.onEnd(this.change(scan, { ...to, tookMs }));
  }

  private change(scan: Scan, to: Partial<Scan>): Scan {
    const changed = { ...(this.store.get(scan.id) ?? scan), ...to };
    this.store.put(changed);
    this.scans.value = this.store.all();
    return changed;
  }
}
