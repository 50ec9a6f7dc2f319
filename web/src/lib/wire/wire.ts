/** What a connection needs of the wire below it. Every wire carries the same messages: contract, section 4. */
import type { ClientMessage, Hello, ServerMessage } from "../messages";

export type WireName = "websocket" | "events";

export type WireHandlers = {
  /** The other side has taken the connection; nothing is known of the session yet. */
  onOpen(): void;
  onMessage(message: ServerMessage): void;
  /** Once, never after `close()`. The contract's close code, or BROKEN where none was said. */
  onClose(code: number): void;
};

export type Wire = {
  readonly name: WireName;
  /** Answers whether it was handed on. */
  send(message: ClientMessage): boolean;
  /** Ends it; nothing is heard of it afterwards. */
  close(): void;
};

/** Opens a wire that says hello by itself. Calls no handler before it has returned. */
export type OpenWire = (hello: Hello, handlers: WireHandlers) => Wire;

/** A wire that ended without a word. */
export const BROKEN = 1006;

/** Contract, section 4.1: close codes that say more than "try again". */
export const CLOSE = { unauthenticated: 4401, forbidden: 4403, silent: 4408, replaced: 4409 } as const;
