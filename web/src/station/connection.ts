/** One WebSocket to the appliance that comes back by itself, for ever: contract, section 4.1. */
import type { ClientMessage, Hello, ServerMessage, Welcome } from "../lib/messages";
import { reconnectDelay } from "./backoff";

export type Link =
  | { kind: "connecting" }
  | { kind: "open"; welcome: Welcome }
  /** Between two attempts; `retryAt` by `performance.now()`. */
  | { kind: "waiting"; retryAt: number; code: "CONNECTION_TIMEOUT" | "CONNECTION_REFUSED" }
  /** Another window took the screen over. Only a person takes it back. */
  | { kind: "replaced" }
  /** No credential is left that the appliance takes. */
  | { kind: "unpaired" };

/** Thrown by `token()` when every credential was refused. */
export class NoCredential extends Error {}

export type Socket = Pick<WebSocket, "readyState" | "send" | "close"> & {
  onopen: ((event: Event) => void) | null;
  onmessage: ((event: MessageEvent) => void) | null;
  onclose: ((event: CloseEvent) => void) | null;
  onerror: ((event: Event) => void) | null;
};

export type ConnectionDeps = {
  open(): Socket;
  /** An access token to say hello with. Rejects with NoCredential, or with anything else for "not now". */
  token(): Promise<string>;
  /** The appliance refused this token. */
  refused(token: string): void;
  hello(): Omit<Hello, "type" | "token">;
  onLink(link: Link): void;
  onMessage(message: ServerMessage): void;
  now?: () => number;
  random?: () => number;
};

const WELCOME_WITHIN_MS = 10_000;
const SILENCE_GRACE_MS = 10_000;
/** A refusal is an answer and comes quickly; what takes longer is a network that swallows packets. */
const REFUSED_WITHIN_MS = 1_500;
const OPEN = 1;

export class Connection {
  link: Link = { kind: "connecting" };
  private readonly deps: ConnectionDeps;
  private readonly now: () => number;
  private readonly random: () => number;
  private socket: Socket | null = null;
  private token = "";
  private attempt = 0;
  private startedAt = 0;
  /** Since when there has been no session; null while there is one. */
  private lostAt: number | null;
  private goodbyeMs: number | null = null;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private silenceTimer: ReturnType<typeof setTimeout> | undefined;
  /** Grows with every attempt: a late answer of an earlier one finds another number and is dropped. */
  private turn = 0;

  constructor(deps: ConnectionDeps) {
    this.deps = deps;
    this.now = deps.now ?? (() => performance.now());
    this.random = deps.random ?? Math.random;
    this.lostAt = this.now();
  }

  /** Connects, or connects at once where it would wait, and takes back what another window has. */
  async start(): Promise<void> {
    if (this.socket) return;
    clearTimeout(this.retryTimer);
    const turn = ++this.turn;
    this.lostAt ??= this.now();
    this.startedAt = this.now();
    this.change({ kind: "connecting" });
    try {
      const token = await this.deps.token();
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
  }

  /** Answers whether it was handed to an open session. */
  send(message: ClientMessage): boolean {
    if (this.link.kind !== "open" || this.socket?.readyState !== OPEN) return false;
    this.socket.send(JSON.stringify(message));
    return true;
  }

  private connect(token: string, turn: number): void {
    this.token = token;
    this.goodbyeMs = null;
    const socket = this.deps.open();
    this.socket = socket;
    const mine = (): boolean => turn === this.turn && socket === this.socket;
    socket.onopen = () => {
      if (mine()) socket.send(JSON.stringify({ type: "hello", token, ...this.deps.hello() } satisfies Hello));
    };
    socket.onmessage = (event) => {
      if (mine()) this.hear(event.data);
    };
    socket.onclose = (event) => {
      if (mine()) this.closed(event.code);
    };
    socket.onerror = null;
    this.listen(WELCOME_WITHIN_MS);
  }

  private hear(data: unknown): void {
    const message = parse(data);
    if (this.link.kind === "open") this.listen(this.link.welcome.heartbeatSeconds * 1000 + SILENCE_GRACE_MS);
    if (!message) return;
    switch (message.type) {
      case "welcome":
        this.attempt = 0;
        this.lostAt = null;
        this.listen(message.heartbeatSeconds * 1000 + SILENCE_GRACE_MS);
        this.change({ kind: "open", welcome: message });
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

  private closed(code: number): void {
    this.drop();
    this.lostAt ??= this.now();
    if (code === 4409) {
      this.change({ kind: "replaced" });
    } else if (code === 4401 || code === 4403) {
      this.deps.refused(this.token);
      void this.again(0);
    } else {
      this.wait();
    }
  }

  /** Nothing heard for `ms`: the link is dead even if nobody said so. */
  private listen(ms: number): void {
    clearTimeout(this.silenceTimer);
    this.silenceTimer = setTimeout(() => this.closed(4408), ms);
  }

  private wait(): void {
    const away = this.now() - (this.lostAt ?? this.now());
    const delay = this.goodbyeMs ?? reconnectDelay(this.attempt, away, this.random());
    this.goodbyeMs = null;
    this.attempt++;
    const quick = this.now() - this.startedAt < REFUSED_WITHIN_MS;
    this.change({
      kind: "waiting",
      retryAt: this.now() + delay,
      code: quick ? "CONNECTION_REFUSED" : "CONNECTION_TIMEOUT",
    });
    void this.again(delay);
  }

  private again(delay: number): void {
    clearTimeout(this.retryTimer);
    this.retryTimer = setTimeout(() => void this.start(), delay);
  }

  private drop(): void {
    clearTimeout(this.silenceTimer);
    const { socket } = this;
    this.socket = null;
    if (this.link.kind === "open") this.link = { kind: "connecting" };
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = socket.onerror = null;
    socket.close();
  }

  private change(link: Link): void {
    this.link = link;
    this.deps.onLink(link);
  }
}

function parse(data: unknown): ServerMessage | null {
  try {
    const value = JSON.parse(String(data)) as ServerMessage | null;
    return typeof value === "object" && typeof value?.type === "string" ? value : null;
  } catch {
    return null;
  }
}
