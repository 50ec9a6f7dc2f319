/** WebSocket: contract, section 4.1. */
import type { ClientMessage, ServerMessage } from "../messages";
import type { OpenWire, Wire, WireHandlers } from "./wire";

/** The part of a WebSocket that is used, so that it may be anybody's. */
export type Socket = Pick<WebSocket, "readyState" | "send" | "close"> & {
  onopen: ((event: Event) => void) | null;
  onmessage: ((event: MessageEvent) => void) | null;
  onclose: ((event: CloseEvent) => void) | null;
  onerror: ((event: Event) => void) | null;
};

export type OpenSocket = () => Socket;

const OPEN = 1;

/** `http://host:8480` as the address of the appliance's WebSocket. */
export function socketUrl(base: string): string {
  return `${base.replace(/^http/, "ws")}/ws`;
}

export function webSocketWire(openSocket: OpenSocket): OpenWire {
  return (hello, handlers) => {
    const socket = openSocket();
    socket.onopen = () => {
      handlers.onOpen();
      if (socket.readyState === OPEN) socket.send(JSON.stringify(hello));
    };
    return new WebSocketWire(socket, handlers);
  };
}

class WebSocketWire implements Wire {
  readonly name = "websocket";
  private readonly socket: Socket;

  constructor(socket: Socket, handlers: WireHandlers) {
    this.socket = socket;
    socket.onmessage = (event) => {
      const message = parseMessage(event.data);
      if (message) handlers.onMessage(message);
    };
    socket.onclose = (event) => handlers.onClose(event.code);
    socket.onerror = ignore; // a close follows
  }

  send(message: ClientMessage): boolean {
    if (this.socket.readyState !== OPEN) return false;
    this.socket.send(JSON.stringify(message));
    return true;
  }

  close(): void {
    const { socket } = this;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }
}

/** An error without a listener throws in the libraries of Node. */
function ignore(): void {}

/** Null for what isn't a message. */
export function parseMessage(data: unknown): ServerMessage | null {
  try {
    const value = JSON.parse(String(data)) as ServerMessage | null;
    return typeof value === "object" && typeof value?.type === "string" ? value : null;
  } catch {
    return null;
  }
}

/**
 * Whether a WebSocket carries frames both ways, found without a session: a first frame that isn't `hello` is answered
 * and refused, which nobody else notices.
 */
export function framesPass(openSocket: OpenSocket, withinMs = 4_000): Promise<boolean> {
  return new Promise((done) => {
    let socket: Socket | null = null;
    const end = (passed: boolean): void => {
      clearTimeout(timer);
      if (socket) {
        socket.onopen = socket.onmessage = socket.onclose = null;
        socket.close();
      }
      done(passed);
    };
    const timer = setTimeout(end, withinMs, false);
    try {
      socket = openSocket();
    } catch {
      end(false);
      return;
    }
    socket.onopen = () => socket?.send(JSON.stringify({ type: "ping", t: 0 }));
    socket.onmessage = () => end(true);
    socket.onerror = ignore;
    socket.onclose = () => end(false);
  });
}
