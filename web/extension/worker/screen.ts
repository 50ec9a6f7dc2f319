/** The screen that this PC is: its session with the appliance. What its monitors show is in `orders`. */
import { post } from "../../src/lib/api";
import { type Problem, problemFrom } from "../../src/lib/errors";
import type { Display, ServerMessage, Welcome } from "../../src/lib/messages";
import type { Pairing } from "../../src/lib/pairing";
import { TokenManager } from "../../src/lib/tokens";
import { Connection, type Link } from "../../src/lib/wire/connection";
import { wiresTo } from "../../src/lib/wire/wires";
import { clientName } from "../../src/station/client";
import { type Place, placeOf } from "../../src/station/place";
import { type Appliance, epochNow } from "../view";
import type { Alerts } from "./alerts";
import type { Kept } from "./kept";
import type { Log } from "./log";
import type { PlacedDisplay } from "./monitors";
import { Orders } from "./orders";
import type { Windows } from "./windows";

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
  readonly orders: Orders;
  readonly tokens: TokenManager;

  private readonly deps: ScreenDeps;
  private connection: Connection | null = null;
  private base = "";

  constructor(deps: ScreenDeps) {
    this.deps = deps;
    const { lasting } = deps.kept;
    this.lostAt ??= epochNow();
    this.orders = new Orders({
      ...deps,
      target: () => this.target,
      screenId: () => this.place?.screenId ?? null,
      base: () => this.base,
      send: (ack) => this.connection?.send(ack) ?? false,
      again: () => this.again(),
    });
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
      this.orders.empty();
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
        void this.orders.navigate(message);
        break;
      case "delivery":
        this.orders.delivery(message);
        break;
      case "clear":
        this.orders.clear(message);
        break;
      case "identify":
        this.called(message.label, message.seconds);
        break;
      case "error":
        this.orders.refused(message);
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
    const { lasting } = this.deps.kept;
    const before = this.place?.displayIndex;
    const place = placeOf(welcome);
    if (place) lasting.set("place", place);
    this.orders.welcomed(welcome);
    if (this.target !== before) void this.retarget(before);
    else this.settle();
  }

  private async retarget(before: number | undefined): Promise<void> {
    if (before !== undefined) await this.orders.leave(before);
    await this.deps.retargeted();
    this.displays();
    this.settle();
    this.deps.changed();
  }

  private settle(): void {
    this.orders.settle();
    this.tellMissing();
  }

  /** Tells which monitors there are. */
  displays(): void {
    if (this.place) this.tellMissing();
    this.connection?.send({ type: "displays", displays: this.deps.displays() });
  }

  private tellMissing(): void {
    const monitors = this.deps.monitors();
    this.deps.alerts.monitor(!monitors.some(({ index }) => index === this.target), monitors.length);
  }

  private called(label: string, seconds: number): void {
    this.identify = { label, until: epochNow() + seconds * 1000 };
    const monitors = this.deps.monitors().filter(({ index }) => index === this.target);
    for (const monitor of monitors) void this.deps.windows.over(monitor, seconds * 1000);
    setTimeout(() => this.deps.changed(), seconds * 1000);
  }
}
