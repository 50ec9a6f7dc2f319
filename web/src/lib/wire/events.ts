/**
 * Server-sent events one way and POST the other, for where only plain HTTP gets through: contract, section 4.3.
 *
 * The stream is read with `fetch`, not EventSource: it can send the token in a header, says why it was refused, and
 * doesn't reconnect by a rule of its own.
 */
import type { ClientMessage, Hello, ServerMessage, TriggerError } from "../messages";
import { EventParser } from "./eventparser";
import { Postponed } from "./postponed";
import { BROKEN, type OpenWire, type Wire, type WireHandlers } from "./wire";

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** What ends a stream or refuses it, as the close code it would have been on a WebSocket. */
const CLOSE_CODES: Record<string, number> = {
  VALIDATION_ERROR: 4400,
  TOKEN_EXPIRED: 4401,
  TOKEN_INVALID: 4401,
  PERMISSION_DENIED: 4403,
  HEARTBEAT_LOST: 4408,
  SESSION_REPLACED: 4409,
  PAYLOAD_TOO_LARGE: 4413,
  RATE_LIMITED: 4429,
  SESSION_TOO_SLOW: 4430,
};
const POST_TIMEOUT_MS = 10_000;
const LONGEST_PAUSE_MS = 60_000;
const MOST_WAITING = 200;
/** Statuses of the appliance's own "not now". */
const NOT_NOW: readonly number[] = [429, 503];

/** Of a message: null where it has had its answer, a pause where it is to be sent again, a close code for the end. */
type Fate = { laterMs: number } | number | null;
type Problem = Pick<TriggerError, "code" | "messages" | "action" | "retryable"> & { detail?: string; id?: string };

export function eventStreamWire(base: string, fetch: Fetch): OpenWire {
  return (hello, handlers) => {
    const wire = new EventStreamWire(base, fetch, hello, handlers);
    void wire.run(hello);
    return wire;
  };
}

class EventStreamWire implements Wire {
  readonly name = "events";
  private readonly base: string;
  private readonly fetch: Fetch;
  private readonly handlers: WireHandlers;
  private readonly abort = new AbortController();
  private token: string;
  private sessionId = "";
  private isOpen = false;
  private isOver = false;
  /** Of the error the stream said last; it counts where nothing but the end follows. */
  private lastWord = "";
  private readonly waiting: ClientMessage[] = [];
  private readonly postponed = new Postponed(() => void this.post());
  private isPosting = false;

  constructor(base: string, fetch: Fetch, hello: Hello, handlers: WireHandlers) {
    this.base = base;
    this.fetch = fetch;
    this.token = hello.token;
    this.handlers = handlers;
  }

  async run(hello: Hello): Promise<void> {
    await null; // no handler is called before the wire is known to whoever opened it
    if (this.isOver) return;
    try {
      const response = await this.request("GET", subscription(hello), null, this.abort.signal);
      if (!response.ok) {
        this.end(CLOSE_CODES[(await problemOf(response))?.code ?? ""] ?? BROKEN);
      } else if (!response.body || !response.headers.get("Content-Type")?.startsWith("text/event-stream")) {
        this.end(BROKEN);
      } else {
        await this.read(response.body);
        this.end(CLOSE_CODES[this.lastWord] ?? BROKEN);
      }
    } catch {
      this.end(BROKEN);
    }
  }

  send(message: ClientMessage): boolean {
    if (!this.isOpen || this.isOver || this.waiting.length + this.postponed.size >= MOST_WAITING) return false;
    if (message.type === "pong") return true; // what was read is acknowledged by TCP, and that is what counts here
    if (message.type === "auth") this.token = message.token;
    this.waiting.push(message);
    void this.post();
    return true;
  }

  close(): void {
    this.isOver = true;
    this.waiting.length = 0;
    this.postponed.drop();
    this.abort.abort();
  }

  private async read(body: ReadableStream<Uint8Array>): Promise<void> {
    const reader = body.getReader();
    const decoder = new TextDecoder();
    const parser = new EventParser();
    this.isOpen = true;
    this.handlers.onOpen();
    for (;;) {
      const { done, value } = await reader.read();
      if (done || this.isOver) return;
      for (const { event, data } of parser.feed(decoder.decode(value, { stream: true }))) {
        const message = parseData(event, data);
        if (!message || this.isOver) continue;
        this.lastWord = message.type === "error" ? message.code : "";
        if (message.type === "welcome") this.sessionId = message.sessionId;
        this.handlers.onMessage(message);
      }
    }
  }

  /** One at a time, so that they arrive in their order. */
  private async post(): Promise<void> {
    if (this.isPosting) return;
    this.isPosting = true;
    for (let next = this.next(); next && !this.isOver; next = this.next()) {
      const fate = await this.deliver(next);
      if (this.isOver) break;
      if (typeof fate === "number") this.end(fate);
      else if (next.type !== "ack")
        continue; // whoever waits for more than that has been told
      else if (fate === null) this.postponed.arrived(next);
      else this.postponed.refused(next, fate.laterMs);
    }
    this.isPosting = false;
  }

  private next(): ClientMessage | undefined {
    const { due } = this.postponed;
    if (due) return due;
    let next = this.waiting.shift();
    while (next?.type === "ack" && this.postponed.takes(next)) next = this.waiting.shift();
    return next;
  }

  private async deliver(message: ClientMessage): Promise<Fate> {
    const path =
      message.type === "ack" ? "/api/events/ack" : `/api/events/send?sessionId=${encodeURIComponent(this.sessionId)}`;
    const controller = new AbortController();
    const stop = (): void => controller.abort();
    const timer = setTimeout(stop, POST_TIMEOUT_MS);
    this.abort.signal.addEventListener("abort", stop, { once: true });
    try {
      const response = await this.request("POST", path, JSON.stringify(message), controller.signal);
      if (!response.ok) return this.refused(message, response, await problemOf(response));
      await response.arrayBuffer(); // so that the connection is free for the next one
      return null;
    } catch {
      return BROKEN;
    } finally {
      clearTimeout(timer);
      this.abort.signal.removeEventListener("abort", stop);
    }
  }

  /** A refusal in the appliance's own words leaves the stream as it is, unless it is about the stream or the token. */
  private refused(message: ClientMessage, { status, headers }: Response, problem: Problem | null): Fate {
    if (!problem) return BROKEN; // somebody's on the way, who lets no POST through
    if (message.type === "trigger" && problem.id !== undefined) return null; // the stream says so, too
    const isAboutToken = status === 401 || (status === 403 && message.type !== "trigger");
    if (isAboutToken) return CLOSE_CODES[problem.code] ?? BROKEN;
    if (problem.code === "NOT_FOUND" && message.type !== "ack") return BROKEN; // there is no such stream any more
    if (message.type === "trigger") this.handlers.onMessage(triggerError(message.id, problem));
    const seconds = Number(headers.get("Retry-After")) || 0;
    return NOT_NOW.includes(status) ? { laterMs: Math.min(LONGEST_PAUSE_MS, seconds * 1000) } : null;
  }

  private request(method: string, path: string, body: string | null, signal: AbortSignal): Promise<Response> {
    const headers: Record<string, string> = { Authorization: `Bearer ${this.token}` };
    if (body !== null) headers["Content-Type"] = "application/json";
    else headers.Accept = "text/event-stream";
    // The token alone says who this is; a page's cookie tells which streams share one browser and its six connections.
    const credentials = body === null ? "same-origin" : "omit";
    return this.fetch(this.base + path, { method, headers, body, signal, cache: "no-store", credentials });
  }

  private end(code: number): void {
    if (this.isOver) return;
    this.close();
    this.handlers.onClose(code);
  }
}

/** The address of a stream that says in its query what `hello` says on a WebSocket. */
function subscription({ client, capabilities, restore, displays }: Hello): string {
  const asked = new URLSearchParams({ capabilities: capabilities.join(","), restore: String(restore ?? false) });
  asked.set("client", `${client.name.replaceAll("/", "-")}/${client.version}`);
  if (displays) asked.set("displays", JSON.stringify(displays));
  return `/api/events/subscribe?${asked}`;
}

/** Only the appliance's own words count: a proxy's 403 says nothing of the token. */
async function problemOf(response: Response): Promise<Problem | null> {
  try {
    const problem = (await response.json()) as Problem | null;
    const isOurs = response.headers.get("Content-Type")?.startsWith("application/problem+json");
    return isOurs && typeof problem?.code === "string" ? problem : null;
  } catch {
    return null;
  }
}

function triggerError(id: string, { code, messages, action, retryable, detail }: Problem): TriggerError {
  return { type: "trigger:error", id, error: detail ?? messages.en, code, messages, action, retryable };
}

function parseData(event: string, data: string): ServerMessage | null {
  try {
    const value: unknown = JSON.parse(data);
    return typeof value === "object" && value !== null ? ({ ...value, type: event } as ServerMessage) : null;
  } catch {
    return null;
  }
}
