/** Work orders on this PC's monitors: what stands on each of them, and what the appliance is told of it. */
import { problemFrom, problemOf } from "../../src/lib/errors";
import type { Ack, Clear, Delivery, Navigate, Welcome, WireError } from "../../src/lib/messages";
import { orderName } from "../../src/lib/names";
import { withParticle } from "../../src/lib/particles";
import { mayOpen } from "../../src/lib/webaddress";
import { AckQueue } from "../../src/station/acks";
import { FINAL_CODES, SCAN_CODES } from "../../src/station/codes";
import { Memory } from "../../src/station/memory";
import { EMPTY, type Happening, type Monitor, reduce, type Sheet, underWay } from "../../src/station/stage";
import { asFailure, LoadFailure } from "../../src/station/viewer/load";
import { epochNow, type Shown } from "../view";
import { originOf } from "./address";
import type { Alerts } from "./alerts";
import type { Kept } from "./kept";
import { Overtaken } from "./loads";
import type { Log } from "./log";
import type { PlacedDisplay } from "./monitors";
import type { Evidence, Windows } from "./windows";

export type OrdersDeps = {
  kept: Kept;
  windows: Windows;
  log: Log;
  alerts: Alerts;
  /** The monitors there are now, by display index. */
  monitors(): readonly PlacedDisplay[];
  /** Index of the monitor that work orders go to. */
  target(): number;
  screenId(): string | null;
  /** Origin of the appliance. */
  base(): string;
  /** False where there is no session: the ack is kept for the next one. */
  send(ack: Ack): boolean;
  /** What stands on the monitors is asked for once more, as after a restart. */
  again(): void;
  changed(): void;
};

export class Orders {
  readonly stages: Record<number, Monitor> = {};

  private readonly deps: OrdersDeps;
  private readonly memory: Memory;
  private readonly acks = new AckQueue();
  /** How much later it is by the appliance's clock, in ms. */
  private aheadMs = 0;

  constructor(deps: OrdersDeps) {
    this.deps = deps;
    const { lasting, passing } = deps.kept;
    this.memory = new Memory({ read: () => lasting.get("memory"), write: (text) => lasting.set("memory", text) });
    // What stands on the monitors outlives the worker.
    for (const [index, { sheet }] of Object.entries(passing.get("shown") ?? {})) {
      this.stages[Number(index)] = { ...EMPTY, stage: { kind: "showing", sheet, next: null } };
    }
  }

  get shown(): Shown | null {
    return this.shownAt(this.deps.target());
  }

  /** A session begins. */
  welcomed(welcome: Welcome): void {
    this.deps.kept.passing.set("hosts", welcome.documentHosts ?? []);
    this.aheadMs = welcome.serverTime - Date.now();
    this.memory.welcome(welcome.epoch, welcome.screenId ?? "");
    for (const ack of this.acks.welcome(welcome.epoch)) this.deps.send(ack);
  }

  /** After the worker's rest: pages that stand in tabs may lead themselves nowhere else, nor have done so meanwhile. */
  async guard(): Promise<void> {
    for (const [index, { url }] of Object.entries(this.deps.kept.passing.get("shown") ?? {})) {
      const stands = url === null || (await this.deps.windows.guard(Number(index), (at) => this.mayOpen(at)));
      if (!stands) this.strayed(Number(index));
    }
  }

  /** A monitor is no longer there, or no longer for orders: nothing stays on it, and its index may be another's. */
  async leave(index: number): Promise<void> {
    const sheet = underWay((this.stages[index] ?? EMPTY).stage);
    if (sheet && !this.monitor(index)) this.missing(sheet, index);
    else this.abandon(index, "orders go to another monitor now");
    this.stage(index, { kind: "empty" });
    this.forgetShown(index);
    await this.deps.windows.close(index);
  }

  /** Where nothing stands and nothing is on its way, the extension's own page does. */
  settle(): void {
    const index = this.deps.target();
    const monitor = this.monitor(index);
    if (monitor && (this.stages[index] ?? EMPTY).stage.kind === "ready") void this.deps.windows.own(monitor);
  }

  private ack(ack: Omit<Ack, "type">): void {
    const message: Ack = { type: "ack", ...ack };
    if (!this.deps.send(message)) this.acks.keep(message);
  }

  async navigate(message: Navigate): Promise<void> {
    const { id, displayIndex: index } = message;
    const sheet: Sheet = { ...message, name: orderName(message), restored: message.restored === true };
    const monitor = this.monitor(index);
    if (!monitor) {
      this.missing(sheet, index);
      return;
    }
    const verdict = this.memory.judge(message);
    if (verdict === "stale") return;
    this.ack({ id, status: "received" });
    const there = this.shownAt(index);
    if (verdict === "again" && there?.sheet.id !== id) {
      // It was shown, and another has come since or it was put away: that stays so.
      const { name, bounds } = monitor;
      this.ack({ id, status: "shown", display: { index, name, bounds }, url: message.url });
      return;
    }
    if (!this.mayOpen(message.url)) {
      this.broke(sheet, index, new LoadFailure("DOCUMENT_URL_REFUSED", "this address may not be opened here"));
      return;
    }
    if (there?.sheet.id === id && there.url !== null && (verdict === "again" || sheet.restored)) {
      // It stands there still: after a worker's rest or a lost connection nothing needs to move.
      const before = this.stages[index];
      const evidence = await this.deps.windows.shows(monitor, there.url);
      if (this.stages[index] !== before) return; // something else has come meanwhile
      if (evidence) {
        this.stage(index, { kind: "navigate", sheet });
        this.drawn(sheet, index, { ...evidence, url: message.url }, there.url);
        return;
      }
    }
    await this.open(sheet, index, monitor);
  }

  private async open(sheet: Sheet, index: number, monitor: PlacedDisplay): Promise<void> {
    this.stage(index, { kind: "navigate", sheet });
    const keep = this.stages[index]?.stage.kind === "showing";
    if (!keep) this.forgetShown(index);
    this.deps.changed();
    try {
      const { isDrawn, ...evidence } = await this.deps.windows.document(monitor, sheet, {
        keep,
        isOwn: this.isOwn(sheet.url),
        mayLead: (url) => this.mayOpen(url),
      });
      this.drawn(sheet, index, evidence, isDrawn ? null : evidence.url);
    } catch (error) {
      if (!(error instanceof Overtaken)) this.broke(sheet, index, error);
    }
  }

  private drawn(sheet: Sheet, index: number, evidence: Evidence, url: string | null): void {
    const { id, name, acceptedAt, restored } = sheet;
    this.memory.markShown(sheet);
    this.ack({ id, status: "shown", ...evidence });
    const { lasting, passing } = this.deps.kept;
    const tookMs = restored ? null : Math.max(0, Date.now() + this.aheadMs - acceptedAt);
    const shown: Shown = { sheet, url, shownAt: Date.now(), tookMs };
    const isNew = this.shownAt(index)?.sheet.id !== id;
    passing.set("shown", { ...passing.get("shown"), [index]: shown });
    if (index === this.deps.target()) lasting.set("last", { name, acceptedAt });
    this.stage(index, { kind: "drawn", id });
    if (isNew)
      this.deps.log.add(
        `${withParticle(name, "을/를")} ${index + 1}번 모니터에 표시`,
        `${name} shown on monitor ${index + 1}`,
      );
    this.deps.alerts.shown();
    this.deps.changed();
  }

  private broke(sheet: Sheet, index: number, error: unknown): void {
    const failure = asFailure(error);
    const { code } = failure;
    const detail = failure.detail.slice(0, 500);
    const bounds = this.monitor(index)?.bounds;
    this.ack({ id: sheet.id, status: "failed", code, detail, display: bounds ? { index, bounds } : undefined });
    const said = code === "CLIENT_FAILED" ? "DOCUMENT_LOAD_FAILED" : code;
    const problem = problemOf(said, { type: sheet.contentType, n: this.deps.monitors().length });
    this.stage(index, { kind: "broke", id: sheet.id, problem, final: FINAL_CODES.has(code) });
    this.putAway(index);
    this.deps.log.add(
      `${sheet.name} — ${problem.message.ko} (${detail})`,
      `${sheet.name}: ${problem.message.en} (${detail})`,
    );
    this.deps.alerts.problem(sheet.name, problem);
    this.deps.changed();
  }

  /** Says at once of what is under way that it doesn't come now, rather than let the appliance wait for it. */
  private abandon(index: number, detail: string): void {
    const sheet = underWay((this.stages[index] ?? EMPTY).stage);
    if (sheet) this.ack({ id: sheet.id, status: "failed", code: "CLIENT_FAILED", detail });
  }

  /** For a monitor that isn't there. What stands on the others stays. */
  private missing(sheet: Sheet, index: number): void {
    const count = this.deps.monitors().length;
    const code = "DISPLAY_NOT_AVAILABLE";
    const detail = `display ${index} asked for, ${count} there`;
    this.ack({ id: sheet.id, status: "failed", code, detail });
    const problem = problemOf(code, { n: count });
    this.deps.log.add(`${sheet.name} — ${problem.message.ko}`, `${sheet.name}: ${problem.message.en}`);
    this.deps.alerts.problem(sheet.name, problem);
  }

  delivery(message: Delivery): void {
    if (message.screenId !== this.deps.screenId() || message.state !== "dead") return;
    for (const index of this.indexes()) {
      const before = this.stages[index];
      this.stage(index, { kind: "dead", id: message.id, problem: problemFrom(message) });
      // Another delivery's end is no reason to touch what stands or is on its way here.
      const isChanged = before?.stage !== this.stages[index]?.stage;
      if (isChanged && this.stages[index]?.stage.kind !== "showing") this.putAway(index);
    }
  }

  clear(message: Clear): void {
    for (const index of this.indexes(message.displayIndex)) {
      this.abandon(index, "put away while it was opened");
      this.stage(index, { kind: "clear" });
      this.putAway(index);
    }
    this.deps.log.add("제작의뢰서를 치웠습니다", "The work order was put away");
  }

  /** Of a scan at this screen: the old document goes, so that nobody works from the wrong paper. */
  refused(message: WireError): void {
    if (!SCAN_CODES.has(message.code)) return;
    const problem = problemFrom(message);
    const name = message.orderId ?? null;
    for (const index of this.indexes(message.displayIndex)) {
      this.stage(index, { kind: "refused", name, problem });
      this.putAway(index);
    }
    this.deps.log.add(`${name ?? ""} ${problem.message.ko}`.trim(), `${name ?? ""} ${problem.message.en}`.trim());
    this.deps.alerts.problem(name ?? "", problem);
  }

  /** Nothing stays on any monitor, and nothing counts as shown. */
  empty(): void {
    this.memory.forgetShown();
    for (const index of this.indexes()) {
      this.stage(index, { kind: "empty" });
      this.putAway(index);
      delete this.stages[index];
    }
  }

  /** A window was closed by hand: what it showed isn't shown any more, and the appliance is asked for it. */
  closed(index: number): void {
    this.deps.windows.forget(index);
    this.forget(index);
    this.deps.log.add(
      `${index + 1}번 모니터의 창이 닫혀 다시 엽니다`,
      `The window on monitor ${index + 1} was closed and comes again`,
    );
    this.deps.again();
  }

  /** What stood there can't be drawn once more, as after its page was loaded anew: the appliance is asked for it. */
  lost(index: number): void {
    this.forget(index);
    this.putAway(index);
    this.deps.log.add(
      `${index + 1}번 모니터의 제작의뢰서를 다시 불러옵니다`,
      `The work order on monitor ${index + 1} is fetched again`,
    );
    this.deps.again();
    this.deps.changed();
  }

  /** What stands there leads itself to where nothing may be opened. */
  strayed(index: number): void {
    const name = this.shownAt(index)?.sheet.name ?? "";
    const problem = problemOf("DOCUMENT_URL_REFUSED");
    this.stage(index, { kind: "refused", name, problem });
    this.putAway(index);
    this.deps.log.add(`${name} — ${problem.message.ko}`, `${name}: ${problem.message.en}`);
    this.deps.alerts.problem(name, problem);
    this.deps.changed();
  }

  /** Nothing stands on the monitor any more, and a document that comes once more isn't taken for one that does. */
  private forget(index: number): void {
    this.forgetShown(index);
    this.memory.forgetShown();
    this.stage(index, { kind: "empty" });
  }

  private putAway(index: number): void {
    this.forgetShown(index);
    if (Object.keys(this.deps.kept.passing.get("shown") ?? {}).length === 0) this.deps.alerts.away();
    const monitor = this.monitor(index);
    if (monitor) void this.deps.windows.own(monitor);
  }

  private forgetShown(index: number): void {
    const { [index]: _, ...rest } = this.deps.kept.passing.get("shown") ?? {};
    this.deps.kept.passing.set("shown", rest);
  }

  private stage(index: number, happening: Happening): void {
    this.stages[index] = reduce(this.stages[index] ?? EMPTY, happening, epochNow());
  }

  private shownAt(index: number): Shown | null {
    return this.deps.kept.passing.get("shown")?.[index] ?? null;
  }

  private monitor(index: number): PlacedDisplay | undefined {
    return this.deps.monitors().find((one) => one.index === index);
  }

  /** Displays that something is known of, the usual one among them. */
  indexes(only?: number): number[] {
    if (only !== undefined) return [only];
    return [...new Set([this.deps.target(), ...Object.keys(this.stages).map(Number)])];
  }

  private mayOpen(url: string): boolean {
    return this.isOwn(url) || mayOpen(url, this.deps.kept.passing.get("hosts") ?? []);
  }

  private isOwn(url: string): boolean {
    return originOf(url) === this.deps.base();
  }
}
