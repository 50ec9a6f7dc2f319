/** A page of an appliance hands over a pairing. Nothing happens before a person's click in the extension. */
import { problemIn } from "../../src/lib/errors";
import { type Command, epochNow, type HandOff } from "../view";
import { isLocal } from "./address";
import { ask } from "./finder";
import type { Joining } from "./joining";
import { claim } from "./pairing";
import { isDoor, mayBelong } from "./policy";
import { canBeHanded, type Question } from "./question";
import { type Common, changedMeanwhile, isMeant } from "./situation";
import type { Workplace } from "./workplace";

/** So long a page's offer may wait for its answer, and no other takes its place. */
const OFFER_MS = 120_000;

export class Offers {
  private count = 0;
  private readonly common: Common;
  private readonly question: Question;
  private readonly joining: Joining;
  private readonly workplace: Workplace;

  constructor(common: Common, question: Question, joining: Joining, workplace: Workplace) {
    this.common = common;
    this.question = question;
    this.joining = joining;
    this.workplace = workplace;
  }

  /** Whether the one that stands there has waited for too long. */
  get isLate(): boolean {
    const { handed } = this.common.situation;
    return handed !== null && epochNow() - handed.at >= OFFER_MS;
  }

  async handOff({ handoff: { origin, screenId, token } }: HandOff): Promise<void> {
    const { screen, situation, changed } = this.common;
    const { base } = situation.policy;
    if (!canBeHanded(screenId, token) || this.question.isDeclined(origin)) return;
    if (base === null ? !isLocal(origin) : !isDoor(base, origin)) return;
    const appliance = await ask({ base: origin, by: "page" });
    if (!appliance || !mayBelong(situation.policy, appliance) || this.question.isDeclined(origin)) return;
    const { handed } = situation;
    if (handed) {
      // What a person is being asked stays as it stands there; the page that asks may bring it back into sight.
      if (origin !== handed.origin) return;
      if (token && screenId === handed.screenId && isMeant(appliance, handed.appliance)) {
        situation.handed = { ...handed, token };
      }
    } else if (screenId && token) {
      this.count += 1;
      const offer = this.count;
      situation.handed = { origin, appliance, screenId, token, offer, at: epochNow() };
      situation.phase = { kind: "offered", appliance, screenId, instead: screen.pairing?.screenId ?? null, offer };
    } else if (!screen.pairing && situation.phase.kind !== "pairing") {
      situation.phase = { kind: "found", appliance };
    } else {
      return;
    }
    changed();
    await this.question.show();
  }

  async accept(meant: Extract<Command, { do: "accept" }>): Promise<void> {
    const { situation } = this.common;
    const { handed } = situation;
    const isSameOffer = handed?.offer === meant.offer && handed.screenId === meant.screenId;
    if (!handed || !isSameOffer || !isMeant(meant, handed.appliance)) {
      situation.problem = changedMeanwhile();
      return;
    }
    try {
      const pairing = await claim(handed.appliance.base, handed.screenId, handed.token, this.workplace.displays);
      if (this.joining.take(pairing, handed.appliance)) {
        void this.question.close();
        return;
      }
    } catch (error) {
      situation.problem = problemIn(error);
    }
    this.common.begin();
  }

  /** Its page isn't heard for a while. */
  decline(): void {
    const { handed } = this.common.situation;
    if (handed) this.question.decline(handed.origin);
    void this.question.close();
    this.common.begin();
  }
}
