/** The extension's pages' side of the worker: what it tells, as a signal, and what they ask of it. */
import { signal } from "@preact/signals";
import { lang } from "../src/lib/i18n";
import { type Command, epochNow, PORT, type Report, type View } from "./view";

/** Chrome ends a worker that hears nothing for 30 s; a code on a monitor needs it. */
const BEAT_MS = 20_000;
const AGAIN_MS = 300;

export const view = signal<View | null>(null);

let port: chrome.runtime.Port | null = null;
let skew = 0;

/** The worker's clock, by which it tells its times. */
export function workerNow(): number {
  return epochNow() + skew;
}

/** Listens for as long as the page lives, through every end of the worker. */
export function connect(): void {
  if (port) return;
  const mine = chrome.runtime.connect({ name: PORT });
  port = mine;
  mine.onMessage.addListener((told: View) => {
    skew = told.now - epochNow();
    view.value = told;
    lang.value = told.lang;
  });
  mine.onDisconnect.addListener(() => {
    port = null;
    setTimeout(connect, AGAIN_MS);
  });
}

/** What is told wakes a worker that has ended. */
export function tell(message: Command | Report): void {
  connect();
  port?.postMessage(message);
}

setInterval(() => tell({ do: "beat" }), BEAT_MS);
