/** How things stand with this PC: what every part of the extension looks at, and more than one of them changes. */
import { type Problem, problemOf } from "../../src/lib/errors";
import type { Appliance, Meant, Phase } from "../view";
import type { Alerts } from "./alerts";
import type { Keeper, Kept, Lasting } from "./kept";
import type { Log } from "./log";
import { NO_POLICY, type Policy } from "./policy";
import type { Screen } from "./screen";

/** What a page has handed over, and a person is being asked about. */
export type Handed = {
  origin: string;
  appliance: Appliance;
  screenId: string;
  token: string;
  offer: number;
  at: number;
};

export class Situation {
  policy: Policy = NO_POLICY;
  phase: Phase = { kind: "looking", nothing: false };
  handed: Handed | null = null;
  /** The policy under which it was settled whom to connect to: nobody is asked that again. */
  decided: Policy | null = null;
  /** Of the last thing a person asked for here. */
  problem: Problem | null = null;
  private readonly lasting: Keeper<Lasting>;

  constructor(lasting: Keeper<Lasting>) {
    this.lasting = lasting;
  }

  /** The one that this PC belongs to, or is about to. */
  get appliance(): Appliance | null {
    return this.lasting.get("appliance");
  }

  set appliance(appliance: Appliance | null) {
    this.lasting.set("appliance", appliance);
  }

  /** What goes on in the network takes no question away from under a person's hand. */
  becomes(phase: Phase): void {
    if (this.phase.kind !== "offered") this.phase = phase;
  }
}

/** What each part of the extension is given. */
export type Common = {
  kept: Kept;
  log: Log;
  alerts: Alerts;
  screen: Screen;
  situation: Situation;
  /** Tells the extension's pages. */
  changed(): void;
  /** Goes on from what is known: a pairing, an appliance, nothing. */
  begin(): void;
};

/** A press was meant for what is no longer there. */
export function changedMeanwhile(): Problem {
  return {
    ...problemOf("CONFIRM_MISMATCH"),
    message: { ko: "그사이 바뀌었습니다.", en: "It has changed meanwhile." },
    action: { ko: "지금 보이는 것을 확인하고 다시 눌러 주세요.", en: "Check what stands here now, then press again." },
  };
}

export function isMeant({ base, instanceId }: Meant, appliance: Meant): boolean {
  return base === appliance.base && instanceId === appliance.instanceId;
}
