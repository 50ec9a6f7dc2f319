/** The ways to one appliance. A page, an extension's service worker and Node can all use them. */
import type { Answer, Store } from "./choice";
import { eventStreamWire, type Fetch } from "./events";
import { framesPass, type OpenSocket, type Socket, socketUrl, webSocketWire } from "./websocket";
import type { OpenWire, WireName } from "./wire";

export type Wires = Record<WireName, OpenWire> & {
  /** How the appliance answers plain HTTP at this moment. */
  answers(): Promise<Answer>;
  /** Whether frames pass a WebSocket both ways. */
  framesPass(): Promise<boolean>;
  /** Where it is remembered that upgrades are dropped. */
  store: Store;
};

export type WiresOptions = {
  /** Origin of the appliance: `http://192.168.0.5:8480`. */
  base: string;
  store?: Store;
  fetch?: Fetch;
  /** Node before 22 has no WebSocket of its own; `ws` will do. */
  openSocket?: (url: string, protocol: string) => Socket;
};

const ANSWER_MS = 1_500;
/** Statuses of "too many at once". */
const BUSY: readonly number[] = [429, 503];

export function wiresTo(options: WiresOptions): Wires {
  const { base, store = inMemory() } = options;
  const fetch: Fetch = options.fetch ?? ((url, init) => globalThis.fetch(url, init));
  const make = options.openSocket ?? ((url, protocol) => new WebSocket(url, protocol) as Socket);
  const openSocket: OpenSocket = () => make(socketUrl(base), "vooster.v1");
  return {
    websocket: webSocketWire(openSocket),
    events: eventStreamWire(base, fetch),
    answers: () => answers(base, fetch),
    framesPass: () => framesPass(openSocket),
    store,
  };
}

async function answers(base: string, fetch: Fetch): Promise<Answer> {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), ANSWER_MS);
  const asked: RequestInit = { signal: controller.signal, cache: "no-store", credentials: "omit" };
  try {
    const response = await fetch(`${base}/.well-known/vooster`, asked);
    if (BUSY.includes(response.status)) return "busy";
    const isOurs = response.ok && ((await response.json()) as { product?: unknown }).product === "vooster";
    if (!isOurs) return "none";
    // A browser doesn't say why an upgrade was refused. The same address without one does: too many wait before it.
    const { status } = await fetch(`${base}/ws`, asked).catch(() => ({ status: 0 }));
    return BUSY.includes(status) ? "busy" : "well";
  } catch {
    return "none";
  } finally {
    clearTimeout(timer);
  }
}

function inMemory(): Store {
  let kept: string | null = null;
  return {
    get: () => kept,
    set: (text) => {
      kept = text;
    },
  };
}
