/** What became of a scan, read from the appliance's answers. */
import type { DeliveryState } from "../lib/messages";

export type Outcome =
  /** Nobody has said yet where it goes; this browser has it. */
  | "placeless"
  /** Behind another one that runs. */
  | "queued"
  | "sending"
  /** The appliance can't be reached; this browser has it. */
  | "kept"
  /** Nobody is signed in any more; this browser has it. */
  | "signIn"
  /** Too old to be sent without asking. */
  | "asking"
  /** A person said that it isn't needed. */
  | "dropped"
  /** Not accepted: an unknown order, or the appliance couldn't save it. */
  | "refused"
  | DeliveryState;

export type TriggerDelivery = {
  screenId: string;
  state: DeliveryState;
  final: boolean;
  code?: string;
  /** Only in the answer to `GET /api/triggers/{id}`. */
  cause?: string;
  attempt?: number;
};
export type TriggerAnswer = { id: string; deliveries?: TriggerDelivery[] };

/** Worst first. */
const ORDER: DeliveryState[] = ["dead", "awaitingOrder", "pending", "sent", "received", "superseded", "shown"];

export type Verdict = {
  outcome: DeliveryState;
  /** None of the deliveries changes by itself any more. */
  final: boolean;
  /** Why: the monitor's own reason where that is known, else the appliance's. */
  code: string | null;
  /** 1, or more while retries run. */
  attempt: number;
};

/** The worst of all deliveries. */
export function outcomeOf(answer: TriggerAnswer): Verdict {
  const deliveries = answer.deliveries ?? [];
  const outcome = ORDER.find((state) => deliveries.some((delivery) => delivery.state === state)) ?? "pending";
  const worst = deliveries.find((delivery) => delivery.state === outcome);
  return {
    outcome,
    final: deliveries.length > 0 && deliveries.every((delivery) => delivery.final),
    code: worst?.cause ?? worst?.code ?? null,
    attempt: worst?.attempt ?? 1,
  };
}

/** This browser still owes the appliance such a scan. */
const OWED: readonly Outcome[] = ["placeless", "queued", "sending", "kept", "signIn", "asking"];
const ENDED: readonly Outcome[] = ["shown", "superseded", "dead", "refused", "dropped"];

export const isOwed = (outcome: Outcome): boolean => OWED.includes(outcome);
export const isEnded = (outcome: Outcome): boolean => ENDED.includes(outcome);

/** A scan older than this isn't sent again before somebody has said that it is still needed. */
export const ASK_AFTER_MS = 300_000;

export const isOld = (scan: { timestamp: number }, now: number): boolean =>
  Math.abs(now - scan.timestamp) > ASK_AFTER_MS;

/** Answers that mean "later", whatever they say: nothing was kept by the appliance. */
export function isAway(problem: { code: string; status: number | null }): boolean {
  if (problem.code === "CONNECTION_TIMEOUT" || problem.code === "CONNECTION_REFUSED") return true;
  if (problem.code === "SHUTTING_DOWN") return true;
  return problem.status === 502 || problem.status === 504;
}
