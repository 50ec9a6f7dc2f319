/** The time that the pages' figures are told by: the worker's, ticking, and never behind what it last said. */
import { signal } from "@preact/signals";
import { view, workerNow } from "../port";

const TICK_MS = 500;

export const now = signal(workerNow());

function tick(): void {
  now.value = workerNow();
}

setInterval(tick, TICK_MS);
view.subscribe(tick);
