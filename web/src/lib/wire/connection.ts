/** One session with the appliance that comes back by itself, for ever, over whatever wire gets through. */
import type { ClientMessage, Hello, ServerMessage, Welcome } from "../messages";
import { reconnectDelay } from "./backoff";
import { type Failure, WireChoice } from "./choice";
import { BROKEN, CLOSE, type Wire, type WireName } from "./wire";
import type { Wires } from "./wires";

export type Link =
  | { kind: "connecting" }
  | { kind: "open"; welcome: Welcome; wire: WireName }
  /** Between two attempts; `retryAt` by `performance.now()`. */
  | { kind: "waiting"; retryAt: number; code: "CONNECTION_TIMEOUT" | "CONNECTION_REFUSED" }
  /** Another window took the screen over. Only a person takes it back. */
  | { kind: "replaced" }
  /** No credential is left that the appliance takes. */
  | { kind: "unpaired" };

/** Thrown by `token()` when every credential was refused. */
export class NoCredential extends Error {}

export type ConnectionDeps = {
  wires: Wires;
  /** An access token to say hello with. Rejects with NoCredential, or with anything else for "not now". */
  token(): Promise<string>;
  /** The appliance refused this token. */
  refused(token: string): void;
  hello(): Omit<Hello, "type" | "token">;
  onLink(link: Link): void;
  onMessage(message: ServerMessage): void;
  now?: () => number;
  /** Wall time in ms. */
  clock?: () => number;
  random?: () => number;
};

const WELCOME_WITHIN_MS = 10_000;
/**
 * As far as that patience grows, doubling with each welcome that didn't come: where thousands return at once, one that
 * hangs up and queues again only makes the queue longer.
 */
const MOST_PATIENCE_MS = 60_000;
/** When it is asked whether plain HTTP does any better: an opening may take a lost packet's time, a welcome may not. */
const DOUBT_MS = { refused: 4_000, silent: 2_000 } as const;
const SILENCE_GRACE_MS = 10_000;
/** What a link that may have died unnoticed has to answer within. */
const NUDGE_MS = 5_000;
/** A refusal is an answer and comes quickly; what takes longer is a network that swallows packets. */
const REFUSED_WITHIN_MS = 1_500;
/** A session that ends younger hasn't ended what was wrong: waits go on growing. */
const SETTLED_MS = 10_000;
/** Heartbeats; a session that broke before that many may have broken for the way it came. */
const SHORT_LIFE = 1.5;

type Timer = ReturnType<typeof setTimeout>;

export class Connection {
  link: Link = { kind: "connecting" };
  private readonly deps: ConnectionDeps;
  private readonly now: () => number;
  private readonly random: () => number;
  private readonly choice: WireChoice;
  private wire: Wire | null = null;
  private token = "";
  private attempt = 0;
  /** Welcomes in a row that were waited for in vain. */
  private unanswered = 0;
  private startedAt = 0;
  private welcomedAt = 0;
  /** Since when there has been no session that settled. */
  private lostAt: number;
  private goodbyeMs: number | null = null;
  /** The wait under way is one that the appliance asked for. */
  private isBidden = false;
  /** Ends when it is known what the last failure says of the wire. */
  private judged: Promise<void> = Promise.resolve();
  private retryTimer: Timer | undefined;
  private silenceTimer: Timer | undefined;
  /** While connecting: asks about the silence. On a session over events: tries WebSocket again. */
  private doubtTimer: Timer | undefined;
  /** Grows with every attempt: a late answer of an earlier one finds another number and is dropped. */
  private turn = 0;

  constructor(deps: ConnectionDeps) {
    this.deps = deps;
    this.now = deps.now ?? (() => performance.now());
    this.random = deps.random ?? Math.random;
    this.choice = new WireChoice(deps.wires.store, deps.clock, this.random);
    this.lostAt = this.now();
  }

  /** Connects, or connects at once where it would wait, and takes back what another window has. */
  async start(): Promise<void> {
    if (this.wire) return;
    clearTimeout(this.retryTimer);
    const turn = ++this.turn;
    this.startedAt = this.now();
    this.change({ kind: "connecting" });
    try {
      const [token] = await Promise.all([this.deps.token(), this.judged]);
      if (turn === this.turn) this.connect(token, turn);
    } catch (error) {
      if (turn !== this.turn) return;
      if (error instanceof NoCredential) this.change({ kind: "unpaired" });
      else this.wait();
    }
  }

  /** Ends it without another attempt. */
  stop(): void {
    this.turn++;
    clearTimeout(this.retryTimer);
    this.drop();
    this.link = { kind: "connecting" };
  }

  /**
   * The network or the page came back. A wait ends, unless the appliance asked for it, and an open link has to show
   * that it lives. A screen that another window has stays there.
   */
  nudge(): void {
    if (this.link.kind === "waiting" && !this.isBidden) void this.start();
    else if (this.send({ type: "ping", t: Math.round(this.now()) })) this.listen(NUDGE_MS);
  }

  /** Answers whether it was handed to an open session. */
  send(message: ClientMessage): boolean {
    return this.link.kind === "open" && this.wire !== null && this.wire.send(message);
  }

  private connect(token: string, turn: number): void {
    this.token = token;
    this.goodbyeMs = null;
    const hello: Hello = { type: "hello", token, ...this.deps.hello() };
    const mine = (): boolean => turn === this.turn && this.wire !== null;
    try {
      this.wire = this.deps.wires[this.choice.wire](hello, {
        onOpen: () => {
          if (mine()) this.doubt("silent", turn);
        },
        onMessage: (message) => {
          if (mine()) this.hear(message);
        },
        onClose: (code) => {
          if (mine()) this.closed(code);
        },
      });
      this.listen(Math.min(MOST_PATIENCE_MS, WELCOME_WITHIN_MS * 2 ** this.unanswered));
      this.doubt("refused", turn);
    } catch {
      this.closed(BROKEN);
    }
  }

  private hear(message: ServerMessage): void {
    if (this.link.kind === "open") this.listen(this.silenceMs(this.link.welcome));
    switch (message.type) {
      case "welcome":
        this.welcomed(message);
        break;
      case "ping":
        this.send({ type: "pong", t: message.t });
        return;
      case "goodbye":
        this.goodbyeMs = message.reconnectAfterMs;
        break;
    }
    this.deps.onMessage(message);
  }

  private welcomed(welcome: Welcome): void {
    if (!this.wire) return;
    const wire = this.wire.name;
    if (this.link.kind !== "open") {
      this.unanswered = 0;
      this.welcomedAt = this.now();
      clearTimeout(this.doubtTimer);
      this.choice.welcomed(wire);
      if (wire === "events") this.planTrial();
    }
    this.listen(this.silenceMs(welcome));
    this.change({ kind: "open", welcome, wire });
  }

  private closed(code: number): void {
    this.judge(code);
    const wasBrief = this.link.kind === "open" && !this.isSettled;
    this.drop();
    if (code === CLOSE.replaced) {
      this.change({ kind: "replaced" });
    } else if (code === CLOSE.unauthenticated || code === CLOSE.forbidden) {
      this.deps.refused(this.token);
      if (wasBrief) this.wait();
      else this.again(0);
    } else {
      this.wait();
    }
  }

  // Which wire

  /** What an end says of the wire. Plain HTTP is asked where the wire itself may be at fault. */
  private judge(code: number): void {
    const how = this.failure(code);
    if (!how) return;
    const judged = this.deps.wires.answers().then((answer) => this.choice.failed(how, answer));
    this.judged = this.choice.decides(how) ? judged : Promise.resolve();
  }

  private failure(code: number): Failure | null {
    const { link } = this;
    const isOpen = link.kind === "open";
    const isShort = isOpen && this.age < SHORT_LIFE * link.welcome.heartbeatSeconds * 1000;
    const hasLived = isOpen && !isShort;
    if (hasLived && link.wire === "websocket") this.choice.proven();
    if (hasLived || this.goodbyeMs !== null) this.choice.expectCrowd();
    const isOwnWord = code >= 4000 && code !== CLOSE.silent;
    if (isOwnWord || this.goodbyeMs !== null) return null;
    if (isShort) return "short";
    return isOpen ? null : "refused";
  }

  /** The wire takes too long: where plain HTTP answers meanwhile, something on the way holds it up. */
  private doubt(how: "refused" | "silent", turn: number): void {
    clearTimeout(this.doubtTimer);
    this.doubtTimer = setTimeout(async () => {
      if (this.choice.isCrowded) return; // whoever hangs up in a queue makes it longer
      const answer = await this.deps.wires.answers();
      if (answer !== "well" || turn !== this.turn || this.link.kind === "open" || !this.wire) return;
      this.choice.failed(how, answer);
      this.drop();
      this.wait();
    }, DOUBT_MS[how]);
  }

  private planTrial(): void {
    const { turn } = this;
    clearTimeout(this.doubtTimer);
    this.doubtTimer = setTimeout(async () => {
      const passed = await this.deps.wires.framesPass();
      if (turn !== this.turn || this.link.kind !== "open") return;
      this.choice.tried(passed);
      if (!passed) {
        this.planTrial();
        return;
      }
      this.drop();
      void this.start();
    }, this.choice.trialInMs);
  }

  // Time

  private silenceMs(welcome: Welcome): number {
    return welcome.heartbeatSeconds * 1000 + SILENCE_GRACE_MS;
  }

  /** Nothing heard for `ms`: the link is dead even if nobody said so. */
  private listen(ms: number): void {
    clearTimeout(this.silenceTimer);
    this.silenceTimer = setTimeout(() => {
      if (this.link.kind !== "open") this.unanswered++;
      this.closed(CLOSE.silent);
    }, ms);
  }

  private wait(): void {
    const away = this.now() - this.lostAt;
    const delay = this.goodbyeMs ?? reconnectDelay(this.attempt, away, this.random());
    this.isBidden = this.goodbyeMs !== null;
    this.goodbyeMs = null;
    this.attempt++;
    const quick = this.now() - this.startedAt < REFUSED_WITHIN_MS;
    this.change({
      kind: "waiting",
      retryAt: this.now() + delay,
      code: quick ? "CONNECTION_REFUSED" : "CONNECTION_TIMEOUT",
    });
    this.again(delay);
  }

  /** Of the open session, in ms. */
  private get age(): number {
    return this.now() - this.welcomedAt;
  }

  private get isSettled(): boolean {
    return this.age >= SETTLED_MS;
  }

  private again(delay: number): void {
    clearTimeout(this.retryTimer);
    this.retryTimer = setTimeout(() => void this.start(), delay);
  }

  private drop(): void {
    clearTimeout(this.silenceTimer);
    clearTimeout(this.doubtTimer);
    const { wire } = this;
    this.wire = null;
    if (this.link.kind === "open") {
      if (this.isSettled) [this.attempt, this.lostAt] = [0, this.now()];
      this.link = { kind: "connecting" };
    }
    wire?.close();
  }

  private change(link: Link): void {
    this.link = link;
    this.deps.onLink(link);
  }
}
