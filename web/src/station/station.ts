/** The station: joins the pairing, the connection, the viewer and what stands on the monitor. The pages only read it. */
import { signal } from "@preact/signals";
import { browserTokens } from "../lib/browserTokens";
import { type Problem, problemFrom, problemOf } from "../lib/errors";
import { extension, findExtension } from "../lib/extension";
import type { Ack, Clear, Delivery, Navigate, ServerMessage, Welcome, WireError } from "../lib/messages";
import { orderName } from "../lib/names";
import type { Pairing } from "../lib/pairing";
import { recall, remember } from "../lib/storage";
import { Connection, type Link } from "../lib/wire/connection";
import { wiresTo } from "../lib/wire/wires";
import { AckQueue } from "./acks";
import { clientName, display } from "./client";
import { FINAL_CODES, SCAN_CODES } from "./codes";
import { Memory } from "./memory";
import { Pairer } from "./pairer";
import { keepLast, keepPlace, type LastOrder, type Place, placeOf, recallLast, recallPlace } from "./place";
import { EMPTY, type Happening, type Monitor, OPENING_SAID_MS, reduce, type Sheet } from "./stage";
import { asFailure, LoadFailure } from "./viewer/load";
import { NOWHERE, type Spot, type Viewer } from "./viewer/viewer";

const MEMORY_KEY = "vooster.memory";
const WIRE_KEY = "vooster.wire";
const REVOKED_MS = 10_000;
const NOTICE_MS = 30_000;
const TICK_MS = 500;
export class Station {
  readonly monitor = signal<Monitor>(EMPTY);
  readonly link = signal<Link>({ kind: "connecting" });
  /** Since when there has been no session, by `now`; null while there is one. */
  readonly lostAt = signal<number | null>(performance.now());
  readonly pairer = new Pairer((pairing) => this.tokens.adopt(pairing));
  readonly place = signal<Place | null>(recallPlace());
  readonly last = signal<LastOrder | null>(recallLast());
  readonly identify = signal<{ label: string; until: number } | null>(null);
  readonly revokedUntil = signal(0);
  /** What the appliance wants said of this session; it goes away by itself. */
  readonly notice = signal<{ problem: Problem; until: number } | null>(null);
  readonly spot = signal<Spot>(NOWHERE);
  readonly extension = extension;
  /** The monotonic clock of everything above, in ms; moves twice a second and when something happens. */
  readonly now = signal(performance.now());

  private readonly tokens = browserTokens();
  private readonly memory = new Memory({
    read: () => recall(MEMORY_KEY),
    write: (text) => void remember(MEMORY_KEY, text),
  });
  private readonly acks = new AckQueue();
  private readonly connection = new Connection({
    wires: wiresTo({
      base: location.origin,
      store: { get: () => recall(WIRE_KEY), set: (text) => void remember(WIRE_KEY, text) },
    }),
    token: () => this.tokens.token(),
    refused: (token) => this.tokens.refuse(token),
    hello: () => ({
      client: clientName(),
      capabilities: ["shown"],
      restore: true,
      displays: this.place.value ? [display(this.place.value.displayIndex)] : undefined,
    }),
    onLink: (link) => this.linked(link),
    onMessage: (message) => this.hear(message),
  });
  private readonly viewer: Viewer;

  constructor(viewer: Viewer) {
    this.viewer = viewer;
    viewer.onTurn = (spot) => {
      this.spot.value = spot;
    };
    viewer.onDrawn = (sheet) => this.drawn(sheet);
    viewer.onStrayed = ({ name }) => {
      viewer.close();
      this.happen({ kind: "refused", name, problem: problemOf("DOCUMENT_URL_REFUSED") });
    };
    this.tokens.onRenewed = (token) => void this.connection.send({ type: "auth", token });
    this.tokens.onPairing = (pairing) => this.begin(pairing);
  }

  start(): void {
    this.tokens.watch();
    void findExtension();
    this.begin(this.tokens.pairing);
    setInterval(() => this.tick(), TICK_MS);
    addEventListener("online", () => this.connection.nudge());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState !== "visible") return;
      void this.tokens.check();
      this.connection.nudge();
    });
  }

  // What people do here

  turn(step: 1 | -1): void {
    if (this.monitor.value.stage.kind === "showing") this.viewer.turn(step);
  }

  /** Enter: yes to an offer, a new code, the screen taken back, another try at once. Whatever is asked just now. */
  confirm(): void {
    const { kind } = this.link.value;
    if (this.pairer.offer.value) this.pairer.accept();
    else if (this.pairer.asking.value) this.pairer.hurry();
    else if (kind === "replaced" || kind === "waiting") void this.connection.start();
  }

  // Pairing

  private begin(pairing: Pairing | null): void {
    this.connection.stop();
    this.empty();
    if (pairing?.screenId !== this.place.value?.screenId) this.forgetPlace();
    if (pairing) {
      this.pairer.stop();
      this.revokedUntil.value = 0;
      this.lostAt.value = performance.now();
      void this.connection.start();
    } else {
      this.pairer.ask();
    }
  }

  private forgetPlace(): void {
    this.place.value = null;
    keepPlace(null);
    this.last.value = null;
    keepLast(null);
  }

  // Connection

  private linked(link: Link): void {
    this.link.value = link;
    if (link.kind === "open") {
      this.lostAt.value = null;
    } else {
      this.lostAt.value ??= performance.now();
      this.notice.value = null; // it was about the session that ended
    }
    if (link.kind === "replaced") this.empty();
    if (link.kind === "unpaired") {
      this.tokens.forget();
      this.revokedUntil.value = performance.now() + REVOKED_MS;
    }
    this.tick();
  }

  private hear(message: ServerMessage): void {
    switch (message.type) {
      case "welcome":
        this.welcomed(message);
        break;
      case "navigate":
        this.navigate(message);
        break;
      case "delivery":
        this.delivery(message);
        break;
      case "clear":
        this.clear(message);
        break;
      case "identify":
        this.identify.value = { label: message.label, until: performance.now() + message.seconds * 1000 };
        this.tick();
        break;
      case "error":
        this.refused(message);
        break;
      case "notice":
        this.notice.value = { problem: problemFrom(message), until: performance.now() + NOTICE_MS };
        this.tick();
        break;
      case "auth:expiring":
        this.tokens.expiring(message.inSeconds);
        break;
    }
  }

  private welcomed(welcome: Welcome): void {
    this.tokens.accepted();
    this.viewer.hosts = welcome.documentHosts ?? [];
    const before = this.place.value?.displayIndex;
    const place = placeOf(welcome);
    if (place) {
      this.place.value = place;
      keepPlace(place);
      if (place.displayIndex !== before) {
        this.connection.send({ type: "displays", displays: [display(place.displayIndex)] });
      }
    }
    this.memory.welcome(welcome.epoch, welcome.screenId ?? "");
    for (const ack of this.acks.welcome(welcome.epoch)) this.connection.send(ack);
  }

  private ack(ack: Omit<Ack, "type">): void {
    const message: Ack = { type: "ack", ...ack };
    if (!this.connection.send(message)) this.acks.keep(message);
  }

  // Documents

  private navigate(message: Navigate): void {
    const own = this.place.value?.displayIndex;
    if (own !== undefined && message.displayIndex !== own) {
      this.notHere(message, own);
      return;
    }
    const verdict = this.memory.judge(message);
    if (verdict === "stale") return;
    this.ack({ id: message.id, status: "received" });
    const sheet: Sheet = { ...message, name: orderName(message), restored: message.restored === true };
    if (verdict === "again") this.ackShown(sheet);
    else void this.open(sheet);
  }

  /** For another monitor than this page's. What is on this one stays; where nothing is, it says so. */
  private notHere(message: Navigate, own: number): void {
    const code = "DISPLAY_NOT_AVAILABLE";
    this.ack({ id: message.id, status: "failed", code, detail: `this page is display ${own}` });
    const { stage } = this.monitor.value;
    if (stage.kind === "ready")
      this.happen({ kind: "refused", name: orderName(message), problem: problemOf(code, { n: 1 }) });
  }

  private async open(sheet: Sheet): Promise<void> {
    this.happen({ kind: "navigate", sheet });
    const keep = this.monitor.value.stage.kind === "showing";
    try {
      await this.viewer.open(sheet, keep);
      this.memory.markShown(sheet);
      this.ackShown(sheet);
    } catch (error) {
      if (!(error instanceof LoadFailure) && error instanceof DOMException && error.name === "AbortError") return;
      this.broke(sheet, error);
    }
  }

  private drawn(sheet: Sheet): void {
    this.last.value = { name: sheet.name, acceptedAt: sheet.acceptedAt };
    keepLast(this.last.value);
    this.happen({ kind: "drawn", id: sheet.id });
  }

  private broke(sheet: Sheet, error: unknown): void {
    const failure = asFailure(error);
    const { code } = failure;
    const detail = failure.detail.slice(0, 500);
    this.ack({ id: sheet.id, status: "failed", code, detail, display: this.evidence().display });
    this.viewer.close();
    // People get the code's own words, and a fault of the page's own is to them a document that won't open.
    const problem = problemOf(code === "CLIENT_FAILED" ? "DOCUMENT_LOAD_FAILED" : code, { type: sheet.contentType });
    this.happen({ kind: "broke", id: sheet.id, problem, final: FINAL_CODES.has(code) });
  }

  private ackShown(sheet: Sheet): void {
    this.ack({ id: sheet.id, status: "shown", url: sheet.url, ...this.evidence() });
  }

  private evidence(): Pick<Ack, "display"> {
    const { index, bounds } = display(this.place.value?.displayIndex ?? 0);
    return { display: { index, bounds } };
  }

  private delivery(message: Delivery): void {
    const mine = message.screenId === this.place.value?.screenId;
    if (!mine || message.state !== "dead") return;
    this.happen({ kind: "dead", id: message.id, problem: problemFrom(message) });
    if (this.monitor.value.stage.kind !== "showing") this.viewer.close();
  }

  private clear(message: Clear): void {
    if (!this.isHere(message.displayIndex)) return;
    this.viewer.close();
    this.happen({ kind: "clear" });
  }

  private refused(message: WireError): void {
    if (!SCAN_CODES.has(message.code) || !this.isHere(message.displayIndex)) return;
    this.viewer.close();
    this.happen({ kind: "refused", name: message.orderId ?? null, problem: problemFrom(message) });
  }

  private isHere(displayIndex: number | undefined): boolean {
    return displayIndex === undefined || displayIndex === this.place.value?.displayIndex;
  }

  /** Nothing stays on the monitor, and nothing counts as shown. */
  private empty(): void {
    this.viewer.close();
    this.memory.forgetShown();
    this.happen({ kind: "empty" });
  }

  private happen(happening: Happening): void {
    this.monitor.value = reduce(this.monitor.value, happening, performance.now());
    this.tick();
    const { stage } = this.monitor.value;
    if (stage.kind === "opening") setTimeout(() => this.tick(), OPENING_SAID_MS + 10);
  }

  private tick(): void {
    const now = performance.now();
    this.now.value = now;
    this.monitor.value = reduce(this.monitor.value, { kind: "time" }, now);
    if (this.identify.value && now >= this.identify.value.until) this.identify.value = null;
    if (this.notice.value && now >= this.notice.value.until) this.notice.value = null;
    this.pairer.tick(now);
  }
}
