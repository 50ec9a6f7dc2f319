/** The live picture: a snapshot, then changes, over server-sent events; honest about when it isn't live. */
import { signal } from "@preact/signals";
import { loadMe, me } from "./session";
import type { Dashboard } from "./types";

export type LiveState = "connecting" | "live" | "lost" | "back";

export const dashboard = signal<Dashboard | null>(null);
export const liveState = signal<LiveState>("connecting");
/** When the last event came, by this browser's clock. */
export const lastEventAt = signal<number | null>(null);

const SILENCE_MS = 45_000;
const BACK_MS = 2000;
/** A browser has six connections to one server for all its tabs: what nobody sees gives its own back. */
const HIDDEN_MS = 60_000;

let source: EventSource | null = null;
let retry: ReturnType<typeof setTimeout> | undefined;
let silence: ReturnType<typeof setTimeout> | undefined;
let hidden: ReturnType<typeof setTimeout> | undefined;
let failures = 0;
let isWanted = false;

function heard(): void {
  lastEventAt.value = Date.now();
  clearTimeout(silence);
  silence = setTimeout(drop, SILENCE_MS);
}

function parse(event: Event): unknown {
  try {
    return JSON.parse((event as MessageEvent<string>).data);
  } catch {
    return null;
  }
}

function onSnapshot(event: Event): void {
  const value = parse(event) as Dashboard | null;
  if (!value) return;
  heard();
  failures = 0;
  dashboard.value = value;
  if (liveState.value === "lost") {
    liveState.value = "back";
    void loadMe(); // it may be another version now
    setTimeout(() => {
      if (liveState.value === "back") liveState.value = "live";
    }, BACK_MS);
  } else if (liveState.value === "connecting") liveState.value = "live";
}

function onChange(event: Event): void {
  const value = parse(event) as Partial<Dashboard> | null;
  heard();
  if (value && dashboard.value) dashboard.value = { ...dashboard.value, ...value };
}

function drop(): void {
  source?.close();
  source = null;
  clearTimeout(silence);
  liveState.value = "lost";
  failures += 1;
  // The browser doesn't say why a stream failed: a session that ended is told apart by asking who we are.
  if (failures === 2 && me.value) void loadMe();
  const delay = Math.min(10_000, 1000 * 1.5 ** Math.min(failures, 8));
  clearTimeout(retry);
  retry = setTimeout(startLive, delay * (0.75 + Math.random() / 2));
}

/** Opens the stream unless it is open; also the "reconnect" button. */
export function startLive(): void {
  isWanted = true;
  if (source) return;
  clearTimeout(retry);
  source = new EventSource("/api/monitoring/stream");
  source.addEventListener("snapshot", onSnapshot);
  source.addEventListener("change", onChange);
  source.addEventListener("ping", heard);
  source.onerror = drop;
  silence = setTimeout(drop, SILENCE_MS);
}

/** At sign-out. */
export function stopLive(): void {
  isWanted = false;
  pause();
  dashboard.value = null;
}

function pause(): void {
  source?.close();
  source = null;
  clearTimeout(retry);
  clearTimeout(silence);
  liveState.value = "connecting";
}

function looked(): void {
  clearTimeout(hidden);
  if (!isWanted) return;
  if (document.visibilityState === "visible") startLive();
  else hidden = setTimeout(pause, HIDDEN_MS);
}

document.addEventListener("visibilitychange", looked);
addEventListener("online", looked);
