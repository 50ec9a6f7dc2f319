/** What IT has set is followed, also where it comes late or is changed while this PC is a screen. */
import { lang, setLang } from "../../src/lib/i18n";
import type { Joining } from "./joining";
import type { Pairer } from "./pairing";
import { digestOf, type Policy, unreadableProblem } from "./policy";
import type { Search } from "./search";
import type { Common } from "./situation";

export class Managed {
  private readonly common: Common;
  private readonly joining: Joining;
  private readonly pairer: Pairer;
  private readonly search: Search;

  constructor(common: Common, joining: Joining, pairer: Pairer, search: Search) {
    this.common = common;
    this.joining = joining;
    this.pairer = pairer;
    this.search = search;
  }

  /** What is known at the start, before anything has begun. */
  async start(policy: Policy): Promise<void> {
    this.heed(policy);
    setLang(this.common.kept.lasting.get("lang") ?? policy.lang ?? lang.value);
    if (await this.isMoved()) this.move();
  }

  /** What IT has set came after the start, or was changed. Whatever was begun under what it said before ends. */
  async follow(policy: Policy): Promise<void> {
    const { kept, screen, situation, changed, begin } = this.common;
    const before = situation.policy;
    if (JSON.stringify(policy) === JSON.stringify(before)) return;
    this.heed(policy);
    this.search.drop();
    if (!kept.lasting.get("lang") && policy.lang) setLang(policy.lang);
    const isNew = JSON.stringify({ ...policy, lang: before.lang }) !== JSON.stringify(before);
    const isMoved = isNew && (await this.isMoved());
    if (situation.policy !== policy) return;
    if (isMoved) this.move();
    if (isMoved || (isNew && !screen.pairing)) {
      this.pairer.stop();
      begin();
    }
    changed();
  }

  /** Whether IT names another appliance than this PC's, or wants a PC that it made a screen to be another by a new secret. */
  private async isMoved(): Promise<boolean> {
    const { screen, situation, kept } = this.common;
    const { policy } = situation;
    const { pairing } = screen;
    if (!pairing) return false;
    if (policy.instanceId && policy.instanceId !== pairing.instanceId) return true;
    // While nobody knows where to it goes on being what it is.
    if (policy.unreadable) return false;
    if (!kept.lasting.get("provisioned") || !policy.screenId || !policy.deviceSecret) return false;
    return (await digestOf(policy.deviceSecret)) !== kept.lasting.get("spent");
  }

  private heed(policy: Policy): void {
    const { situation, log } = this.common;
    situation.policy = policy;
    const problem = unreadableProblem(policy);
    if (problem) log.once(problem.message.ko, problem.message.en);
  }

  private move(): void {
    const { screen, situation, log } = this.common;
    const was = screen.pairing?.screenId ?? "";
    log.add(`정책이 바뀌어 ${was} 등록을 끝냅니다`, `The policy has changed: no longer ${was}`);
    this.joining.leave();
    situation.appliance = null;
  }
}
