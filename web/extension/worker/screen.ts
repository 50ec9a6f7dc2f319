/** The screen that this PC is: its session with the appliance, and what stands on each of its monitors. */
import { post } from "../../src/lib/api";
import { type Problem, problemFrom, problemOf } from "../../src/lib/errors";
import type {
  Ack,
  Clear,
  Delivery,
  Display,
  Navigate,
  ServerMessage,
  Welcome,
  WireError,
} from "../../src/lib/messages";
import { orderName } from "../../src/lib/names";
import type { Pairing } from "../../src/lib/pairing";
import { withParticle } from "../../src/lib/particles";
import { TokenManager } from "../../src/lib/tokens";
import { mayOpen } from "../../src/lib/webaddress";
import { Connection, type Link } from "../../src/lib/wire/connection";
import { wiresTo } from "../../src/lib/wire/wires";
import { AckQueue } from "../../src/station/acks";
import { clientName } from "../../src/station/client";
import { FINAL_CODES, SCAN_CODES } from "../../src/station/codes";
import { Memory } from "../../src/station/memory";
import { type Place, placeOf } from "../../src/station/place";
import { EMPTY, type Happening, type Monitor, reduce, type Sheet } from "../../src/station/stage";
import { LoadFailure } from "../../src/station/viewer/load";
import { type Appliance, epochNow, type Shown } from "../view";
import type { Alerts } from "./alerts";
import type { Kept } from "./kept";
import { Overtaken } from "./loads";
import type { Log } from "./log";
import type { PlacedDisplay } from "./monitors";
import type { Evidence, Windows } from "./windows";

export type ScreenDeps = {
  kept: Kept;
  windows: Windows;
  log: Log;
  alerts: Alerts;
  /** The monitors there are now, by display index. */
  monitors(): readonly PlacedDisplay[];
  /** The same as the appliance hears of them. */
  displays(): Display[];
  /** Where the appliance is; throws while it isn't known to be there. */
  verified(): Promise<void>;
  /** Orders go to another display index: which monitor that is has to be looked at anew. */
  retargeted(): Promise<void>;
  changed(): void;
  /** The appliance takes none of this PC's credentials any more. */
  refused(): void;
};

const TIMEOUT_MS = 8_000;
const NOTICE_MS = 30_000;

export class Screen {
  link: Link = { kind: "connecting" };
  identify: { label: string; until: number } | null = null;
  notice: { problem: Problem; until: number } | null = null;
  readonly stages: Record<number, Monitor> = {};
  readonly tokens: TokenManager;

  private readonly deps: ScreenDeps;
  private readonly memory: Memory;
  private readonly acks = new AckQueue();
  private connection: Connection | null = null;
  private base = "";
  private hosts: readonly string[] = [];
  /** How much later it is by the appliance's clock, in ms. */
  private aheadMs = 0;

  constructor(deps: ScreenDeps) {
    this.deps = deps;
    const { lasting } = deps.kept;
    this.lostAt ??= epochNow();
    // What stands on the monitors outlives the worker.
    for (const [index, { sheet }] of Object.entries(deps.kept.passing.get("shown") ?? {})) {
      this.stages[Number(index)] = { ...EMPTY, stage: { kind: "showing", sheet, next: null } };
    }
    this.memory = new Memory({ read: () => lasting.get("memory"), write: (text) => lasting.set("memory", text) });
    this.tokens = new TokenManager({
      held: lasting.get("pairing"),
      read: () => lasting.get("pairing"),
      write: (held) => lasting.set("pairing", held),
      alone: (work) => work(), // there is one worker
      post: async (path, body) => {
        await deps.verified();
        return post(`${this.base}${path}`, body, { csrf: false, timeoutMs: TIMEOUT_MS });
      },
    });
    this.tokens.onRenewed = (token) => void this.connection?.send({ type: "auth", token });
  }

  /** Since when there has been no session; outlives the worker, which is ended and woken all through an outage. */
  get lostAt(): number | null {
    return this.deps.kept.passing.get("lostAt");
  }

  set lostAt(at: number | null) {
    this.deps.kept.passing.set("lostAt", at);
  }

  get pairing(): Pairing | null {
    return this.tokens.pairing;
  }

  get place(): Place | null {
    return this.deps.kept.lasting.get("place");
  }

  /** Index of the monitor that work orders go to. */
  get target(): number {
    return this.place?.displayIndex ?? 1;
  }

  get shown(): Shown | null {
    return this.deps.kept.passing.get("shown")?.[this.target] ?? null;
  }

  // Connection

  /** Connects to the appliance at `appliance.base`, also where it was another one's. */
  start(appliance: Appliance): void {
    if (this.connection && this.base === appliance.base) return;
    this.stop();
    this.base = appliance.base;
    const { kept } = this.deps;
    this.connection = new Connection({
      wires: wiresTo({
        base: this.base,
        store: { get: () => kept.lasting.get("wire"), set: (text) => kept.lasting.set("wire", text) },
      }),
      token: async () => {
        await this.deps.verified();
        return this.tokens.token();
      },
      refused: (token) => this.tokens.refuse(token),
      hello: () => ({
        client: clientName(),
        capabilities: ["shown"],
        restore: true,
        displays: this.deps.displays(),
      }),
      onLink: (link) => this.linked(link),
      onMessage: (message) => this.hear(message),
      now: epochNow,
    });
    this.tokens.watch();
    void this.connection.start();
  }

  stop(): void {
    this.connection?.stop();
    this.connection = null;
    this.link = { kind: "connecting" };
  }

  /** A person asks, or the PC woke: no more waiting. */
  reconnect(): void {
    void this.connection?.start();
  }

  /** For whatever wakes the worker. */
  wake(): void {
    void this.tokens.check();
    if (this.link.kind === "waiting") this.connection?.nudge();
  }

  /** What stands on the monitors is asked for once more, as after a restart. */
  again(): void {
    const { connection } = this;
    if (!connection) return;
    connection.stop();
    void connection.start();
  }

  private linked(link: Link): void {
    this.link = link;
    if (link.kind === "open") {
      if (this.lostAt !== null) this.deps.log.add("서버에 연결했습니다", "Connected to the server");
      this.lostAt = null;
      this.deps.alerts.back();
    } else if (this.lostAt === null) {
      this.lostAt = epochNow();
      this.notice = null;
      this.deps.log.add("서버와 연결이 끊겼습니다", "The connection to the server is lost");
    }
    if (link.kind === "replaced") {
      this.deps.log.add("다른 창이나 PC가 이 자리를 쓰고 있습니다", "Another window or PC is using this station");
      this.empty();
    }
    if (link.kind === "unpaired") this.deps.refused();
    this.deps.changed();
  }

  private hear(message: ServerMessage): void {
    switch (message.type) {
      case "welcome":
        this.welcomed(message);
        break;
      case "navigate":
        void this.navigate(message);
        break;
      case "delivery":
        this.delivery(message);
        break;
      case "clear":
        this.clear(message);
        break;
      case "identify":
        this.called(message.label, message.seconds);
        break;
      case "error":
        this.refused(message);
        break;
      case "notice":
        this.notice = { problem: problemFrom(message), until: epochNow() + NOTICE_MS };
        break;
      case "auth:expiring":
        this.tokens.expiring(message.inSeconds);
        return;
      default:
        return;
    }
    this.deps.changed();
  }

  private welcomed(welcome: Welcome): void {
    this.tokens.accepted();
    this.hosts = welcome.documentHosts ?? [];
    this.aheadMs = welcome.serverTime - Date.now();
    const { lasting } = this.deps.kept;
    const before = this.place?.displayIndex;
    const place = placeOf(welcome);
    if (place) lasting.set("place", place);
    this.memory.welcome(welcome.epoch, welcome.screenId ?? "");
    for (const ack of this.acks.welcome(welcome.epoch)) this.connection?.send(ack);
    if (this.target !== before) void this.retarget(before);
    else this.settle();
  }

  /** Orders go to another monitor from now on: nothing stays on the one before, and its index may be another's. */
  private async retarget(before: number | undefined): Promise<void> {
    if (before !== undefined) {
      this.stage(before, { kind: "empty" });
      this.forgetShown(before);
      await this.deps.windows.close(before);
    }
    await this.deps.retargeted();
    this.displays();
    this.settle();
    this.deps.changed();
  }

  /** Where nothing stands and nothing is on its way, the extension's own page does. */
  private settle(): void {
    const monitor = this.monitor(this.target);
    if (monitor && this.isIdle(this.target)) void this.deps.windows.own(monitor, true);
    this.deps.alerts.monitor(monitor === undefined, this.deps.monitors().length);
  }

  /** Tells which monitors there are. */
  displays(): void {
    if (this.place) this.deps.alerts.monitor(!this.monitor(this.target), this.deps.monitors().length);
    this.connection?.send({ type: "displays", displays: this.deps.displays() });
  }

  private ack(ack: Omit<Ack, "type">): void {
    const message: Ack = { type: "ack", ...ack };
    if (!this.connection?.send(message)) this.acks.keep(message);
  }

  // Documents

  private async navigate(message: Navigate): Promise<void> {
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
    if (!mayOpen(message.url, this.hosts) && !this.isOwn(message.url)) {
      this.broke(sheet, index, new LoadFailure("DOCUMENT_URL_REFUSED", "this address may not be opened here"));
      return;
    }
    const there = this.shownAt(index);
    if (there?.sheet.id === id && there.url !== null && (verdict === "again" || sheet.restored)) {
      // It stands there still: after a worker's rest or a lost connection nothing needs to move.
      const evidence = await this.deps.windows.shows(monitor, there.url);
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
        hosts: this.hosts,
        mayLead: (url) => mayOpen(url, this.hosts) || this.isOwn(url),
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
    if (index === this.target) lasting.set("last", { name, acceptedAt });
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
    const code = error instanceof LoadFailure ? error.code : "CLIENT_FAILED";
    const detail = (error instanceof LoadFailure ? error.detail : String(error)).slice(0, 500);
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

  private delivery(message: Delivery): void {
    if (message.screenId !== this.place?.screenId || message.state !== "dead") return;
    for (const index of this.indexes()) {
      const before = this.stages[index];
      this.stage(index, { kind: "dead", id: message.id, problem: problemFrom(message) });
      // Another delivery's end is no reason to touch what stands or is on its way here.
      const isChanged = before?.stage !== this.stages[index]?.stage;
      if (isChanged && this.stages[index]?.stage.kind !== "showing") this.putAway(index);
    }
  }

  private clear(message: Clear): void {
    for (const index of this.indexes(message.displayIndex)) {
      this.stage(index, { kind: "clear" });
      this.putAway(index);
    }
    this.deps.log.add("제작의뢰서를 치웠습니다", "The work order was put away");
  }

  /** Of a scan at this screen: the old document goes, so that nobody works from the wrong paper. */
  private refused(message: WireError): void {
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

  private called(label: string, seconds: number): void {
    this.identify = { label, until: epochNow() + seconds * 1000 };
    const monitors = this.deps.monitors().filter(({ index }) => index === this.target);
    for (const monitor of monitors) void this.deps.windows.over(monitor, seconds * 1000);
    setTimeout(() => this.deps.changed(), seconds * 1000);
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

  /** A window was closed by hand: what it showed isn't shown any more. */
  closed(index: number): void {
    this.deps.windows.forget(index);
    if (this.shownAt(index) === null) return;
    this.forgetShown(index);
    this.memory.forgetShown();
    this.stage(index, { kind: "empty" });
    this.deps.log.add(`${index + 1}번 모니터의 창이 닫혔습니다`, `The window on monitor ${index + 1} was closed`);
  }

  /** What stood there can't be drawn once more, as after its page was loaded anew: the appliance is asked for it. */
  lost(index: number): void {
    this.forgetShown(index);
    this.memory.forgetShown();
    this.stage(index, { kind: "empty" });
    this.putAway(index);
    this.deps.log.add(
      `${index + 1}번 모니터의 제작의뢰서를 다시 불러옵니다`,
      `The work order on monitor ${index + 1} is fetched again`,
    );
    this.again();
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

  private putAway(index: number): void {
    this.forgetShown(index);
    if (Object.keys(this.deps.kept.passing.get("shown") ?? {}).length === 0) this.deps.alerts.away();
    const monitor = this.monitor(index);
    if (monitor) void this.deps.windows.own(monitor, true);
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

  private isIdle(index: number): boolean {
    return (this.stages[index] ?? EMPTY).stage.kind === "ready";
  }

  private monitor(index: number): PlacedDisplay | undefined {
    return this.deps.monitors().find((one) => one.index === index);
  }

  /** Displays that something is known of, the usual one among them. */
  private indexes(only?: number): number[] {
    if (only !== undefined) return [only];
    const shown = Object.keys(this.deps.kept.passing.get("shown") ?? {});
    return [...new Set([this.target, ...Object.keys(this.stages).map(Number), ...shown.map(Number)])];
  }

  private isOwn(url: string): boolean {
    try {
      return new URL(url).origin === this.base;
    } catch {
      return false;
    }
  }
}
