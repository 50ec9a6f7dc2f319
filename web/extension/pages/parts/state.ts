/** In which state the extension is, as its pages tell it apart, and the sign of each: word, shape, tone. */
import { reduce, type Stage } from "../../../src/station/stage";
import { DELIVERY, type Look, SCREEN } from "../../../src/ui/states";
import type { View } from "../../view";

export type State =
  | "looking"
  | "nothing"
  | "found"
  | "offered"
  | "pairing"
  | "denied"
  | "unreachable"
  | "different"
  | "connecting"
  | "cut"
  | "replaced"
  | "missing"
  | "opening"
  | "waiting"
  | "showing"
  | "problem"
  | "ready";

/** A connection that comes back within this was none that anybody needs to hear of. */
const CUT_SAID_MS = 3_000;

export function stateOf(told: View, now: number): State {
  const { phase } = told;
  switch (phase.kind) {
    case "looking":
      return phase.nothing ? "nothing" : "looking";
    case "pairing": {
      const asking = told.asking?.kind;
      return asking === "denied" || asking === "unreachable" ? asking : "pairing";
    }
    case "paired":
      return session(told, now);
    default:
      return phase.kind;
  }
}

function session(told: View, now: number): State {
  const { link, lostAt } = told;
  if (link.kind === "replaced") return "replaced";
  if (link.kind !== "open") return lostAt !== null && now - lostAt >= CUT_SAID_MS ? "cut" : "connecting";
  if (!told.monitors.some(({ index }) => index === told.target)) return "missing";
  const stage = stageOf(told, now);
  switch (stage?.kind) {
    case "failed":
      return "problem";
    case "refused":
      return stage.problem.tone === "waiting" ? "waiting" : "problem";
    case "opening":
    case "showing":
      return stage.kind;
    default:
      return told.shown ? "showing" : "ready";
  }
}

/** What stands on the monitor for work orders; null where the worker has not seen it since it woke. */
export function stageOf(told: View, now: number): Stage | null {
  const monitor = told.stages[told.target];
  return monitor ? reduce(monitor, { kind: "time" }, now).stage : null;
}

/** The header's pill. */
export function lookOf(state: State, told: View, now: number): Look {
  switch (state) {
    case "looking":
    case "nothing":
    case "found":
      return SCREEN.unpaired;
    case "pairing":
      return now < told.revokedUntil ? SCREEN.revoked : SCREEN.unpaired;
    case "denied":
      return { ...SCREEN.revoked, text: { ko: "거부됨", en: "Denied" } };
    case "offered":
      return { text: { ko: "묻는 중", en: "A question" }, icon: "info", pill: "pending" };
    case "unreachable":
    case "different":
    case "cut":
      return SCREEN.offline;
    case "connecting":
      return { text: { ko: "연결하는 중", en: "Connecting" }, icon: "repeat", pill: "sent" };
    case "replaced":
      return { text: { ko: "다른 곳에서 사용 중", en: "In use elsewhere" }, icon: "superseded", pill: "superseded" };
    case "missing":
      return { ...SCREEN.problem, text: { ko: "모니터 안 보임", en: "Monitor missing" } };
    case "opening":
      return { text: { ko: "여는 중", en: "Opening" }, icon: "document", pill: "sent" };
    case "waiting":
      return DELIVERY.awaitingOrder;
    case "showing":
    case "problem":
    case "ready":
      return SCREEN[state];
  }
}
