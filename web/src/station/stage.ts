/**
 * What is on the monitor, as a table of what happens when: no clock, no DOM. A new order puts the old document away
 * first, and what went wrong stands there in its place, so that nobody works from the wrong paper.
 */
import type { Problem } from "../lib/errors";
import type { Navigate } from "../lib/messages";

export type Sheet = Pick<
  Navigate,
  "id" | "round" | "attempt" | "orderId" | "title" | "url" | "contentType" | "acceptedAt"
> & {
  /** How people call it: the order's number, or what stands for it where there is none. */
  name: string;
  restored: boolean;
};

export type Stage =
  | { kind: "ready" }
  /** `broke`: this attempt failed and the next one is awaited. */
  | { kind: "opening"; sheet: Sheet; attempt: number; since: number; broke: Problem | null; until: number }
  /** `next`: the same order scanned once more; it takes the old one's place when it is drawn. */
  | { kind: "showing"; sheet: Sheet; next: Sheet | null }
  /** `kept`: the appliance has it among the undelivered. */
  | { kind: "failed"; id: string; name: string; problem: Problem; attempts: number; kept: boolean }
  | { kind: "refused"; name: string | null; problem: Problem; until: number };

export type Strip =
  | { kind: "superseded"; shown: string; skipped: string; until: number }
  | { kind: "cleared"; until: number };

export type Monitor = {
  stage: Stage;
  strip: Strip | null;
  /** Until when the tag with the order's number stands over its document. */
  tagUntil: number;
  /** The name of the order that was being opened when a newer one came. */
  skipped: string | null;
};

export type Happening =
  | { kind: "navigate"; sheet: Sheet }
  | { kind: "drawn"; id: string }
  | { kind: "broke"; id: string; problem: Problem; final: boolean }
  | { kind: "dead"; id: string; problem: Problem }
  | { kind: "refused"; name: string | null; problem: Problem }
  | { kind: "clear" }
  | { kind: "empty" }
  | { kind: "time" };

/** Nothing is said of an opening that is quicker than this. */
export const OPENING_SAID_MS = 150;
const TAG_MS = 4_000;
const RESTORED_TAG_MS = 20_000;
const STRIP_MS = 4_000;
const REFUSED_MS = 20_000;
/** An order that is waited for stays until it comes; this is how long the appliance waits by default. */
const WAITING_MS = 600_000;
/** Longer than the appliance's own time-outs for one attempt and its back-off. */
const OPENING_MS = 30_000;

export const EMPTY: Monitor = { stage: { kind: "ready" }, strip: null, tagUntil: 0, skipped: null };

/** The monitor after `happening`; `now` in milliseconds of a clock that only goes forward. */
export function reduce(monitor: Monitor, happening: Happening, now: number): Monitor {
  switch (happening.kind) {
    case "navigate":
      return navigate(monitor, happening.sheet, now);
    case "drawn":
      return drawn(monitor, happening.id, now);
    case "broke":
      return broke(monitor, happening, now);
    case "dead":
      return dead(monitor, happening, now);
    case "refused": {
      const { name, problem } = happening;
      const until = now + (problem.tone === "waiting" ? WAITING_MS : REFUSED_MS);
      return { ...EMPTY, stage: { kind: "refused", name, problem, until } };
    }
    case "clear":
      if (monitor.stage.kind !== "showing" && monitor.stage.kind !== "opening") return EMPTY;
      return { ...EMPTY, strip: { kind: "cleared", until: now + STRIP_MS } };
    case "empty":
      return EMPTY;
    case "time":
      return later(monitor, now);
  }
}

function navigate(monitor: Monitor, sheet: Sheet, now: number): Monitor {
  const { stage } = monitor;
  if (stage.kind === "showing" && isSame(stage.sheet, sheet)) {
    return { ...monitor, stage: { ...stage, next: sheet } };
  }
  const again = stage.kind === "opening" && stage.sheet.id === sheet.id;
  const overtaken = stage.kind === "opening" && !isSame(stage.sheet, sheet) ? stage.sheet.name : null;
  return {
    stage: {
      kind: "opening",
      sheet,
      attempt: again ? Math.max(stage.attempt, sheet.attempt) : sheet.attempt,
      since: again ? stage.since : now,
      broke: null,
      until: now + OPENING_MS,
    },
    strip: null,
    tagUntil: 0,
    skipped: overtaken ?? monitor.skipped,
  };
}

function drawn(monitor: Monitor, id: string, now: number): Monitor {
  const sheet = opened(monitor.stage, id);
  if (!sheet) return monitor;
  const { skipped } = monitor;
  return {
    stage: { kind: "showing", sheet, next: null },
    strip:
      skipped && skipped !== sheet.name
        ? { kind: "superseded", shown: sheet.name, skipped, until: now + STRIP_MS }
        : null,
    tagUntil: now + (sheet.restored ? RESTORED_TAG_MS : TAG_MS),
    skipped: null,
  };
}

/** The same paper: a scan of the same order, or the same address where there is no order. */
function isSame(one: Sheet, other: Sheet): boolean {
  return one.orderId === null ? other.orderId === null && one.url === other.url : one.orderId === other.orderId;
}

/** The sheet that is being opened, or opened once more. */
export function underWay(stage: Stage): Sheet | null {
  if (stage.kind === "opening") return stage.sheet;
  return stage.kind === "showing" ? stage.next : null;
}

/** The sheet under way with this id, if it still is. */
function opened(stage: Stage, id: string): Sheet | null {
  const sheet = underWay(stage);
  return sheet?.id === id ? sheet : null;
}

function broke(monitor: Monitor, event: Extract<Happening, { kind: "broke" }>, now: number): Monitor {
  const sheet = opened(monitor.stage, event.id);
  if (!sheet) return monitor;
  const { problem } = event;
  const attempts = monitor.stage.kind === "opening" ? monitor.stage.attempt : sheet.attempt;
  if (event.final || sheet.restored) {
    const { id, name } = sheet;
    return { ...EMPTY, stage: { kind: "failed", id, name, problem, attempts, kept: event.final } };
  }
  const since = monitor.stage.kind === "opening" ? monitor.stage.since : now;
  const until = now + OPENING_MS;
  return {
    ...EMPTY,
    skipped: monitor.skipped,
    stage: { kind: "opening", sheet, attempt: attempts + 1, since, broke: problem, until },
  };
}

function dead(monitor: Monitor, event: Extract<Happening, { kind: "dead" }>, now: number): Monitor {
  const { stage } = monitor;
  if (stage.kind === "refused" && stage.problem.tone === "waiting") {
    return reduce(monitor, { kind: "refused", name: stage.name, problem: event.problem }, now);
  }
  if (stage.kind === "failed" && stage.id === event.id) return { ...monitor, stage: { ...stage, kept: true } };
  const sheet = opened(stage, event.id);
  if (!sheet) return monitor;
  if (event.problem.code === "CANCELLED") return reduce(monitor, { kind: "clear" }, now);
  const tried = stage.kind === "opening" ? stage : null;
  return {
    ...EMPTY,
    stage: {
      kind: "failed",
      id: sheet.id,
      name: sheet.name,
      problem: tried?.broke ?? event.problem,
      attempts: tried ? tried.attempt - (tried.broke ? 1 : 0) : sheet.attempt,
      kept: true,
    },
  };
}

function later(monitor: Monitor, now: number): Monitor {
  const { stage } = monitor;
  const strip = monitor.strip && now >= monitor.strip.until ? null : monitor.strip;
  if (stage.kind === "refused" && now >= stage.until) return { ...EMPTY, strip };
  if (stage.kind === "opening" && stage.broke && now >= stage.until) {
    const { sheet, broke: problem, attempt } = stage;
    const { id, name } = sheet;
    return { ...EMPTY, strip, stage: { kind: "failed", id, name, problem, attempts: attempt - 1, kept: false } };
  }
  return strip === monitor.strip ? monitor : { ...monitor, strip };
}
