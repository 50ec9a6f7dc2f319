/**
 * Server-sent events one way and POST the other, for where only plain HTTP gets through: contract, section 4.3.
 *
 * The stream is read with `fetch`, not EventSource: it can send the token in a header, says why it was refused, and
 * doesn't reconnect by a rule of its own.
 */
import type { ClientMessage, Hello, ServerMessage } from "../messages";
import { EventParser } from "./eventparser";
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
const MOST_WAITING = 200;

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
        this.end(await refusal(response));
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
    if (!this.isOpen || this.isOver || this.waiting.length >= MOST_WAITING) return false;
    if (message.type === "pong") return true; // what was read is acknowledged by TCP, and that is what counts here
    if (message.type === "auth") this.token = message.token;
    this.waiting.push(message);
    void this.post();
    return true;
  }

  close(): void {
    this.isOver = true;
    this.waiting.length = 0;
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
    for (let next = this.waiting.shift(); next; next = this.waiting.shift()) {
      const code = await this.deliver(next);
      if (code !== null) this.end(code);
    }
    this.isPosting = false;
  }

  /** Null where the message arrived, and the stream brings the answer; else why the wire is of no more use. */
  private async deliver(message: ClientMessage): Promise<number | null> {
    const isAck = message.type === "ack";
    const path = isAck ? "/api/events/ack" : `/api/events/send?sessionId=${encodeURIComponent(this.sessionId)}`;
    const controller = new AbortController();
    const stop = (): void => controller.abort();
    const timer = setTimeout(stop, POST_TIMEOUT_MS);
    this.abort.signal.addEventListener("abort", stop, { once: true });
    try {
      const response = await this.request("POST", path, JSON.stringify(message), controller.signal);
      if (response.status === 401) return await refusal(response);
      await response.arrayBuffer(); // so that the connection is free for the next one
      const isUnknown = response.status === 404 && !isAck; // the appliance knows no such stream any more
      return isUnknown || response.status === 429 || response.status >= 500 ? BROKEN : null;
    } catch {
      return BROKEN;
    } finally {
      clearTimeout(timer);
      this.abort.signal.removeEventListener("abort", stop);
    }
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
async function refusal(response: Response): Promise<number> {
  try {
    const { code } = (await response.json()) as { code?: string };
    return CLOSE_CODES[code ?? ""] ?? BROKEN;
  } catch {
    return BROKEN;
  }
}

function parseData(event: string, data: string): ServerMessage | null {
  try {
    const value: unknown = JSON.parse(data);
    return typeof value === "object" && value !== null ? ({ ...value, type: event } as ServerMessage) : null;
  } catch {
    return null;
  }
}
