/** This PC joins an appliance, as the screen that a person or IT makes it, and leaves it again. */
import { problemIn, problemOf } from "../../src/lib/errors";
import type { Pairing } from "../../src/lib/pairing";
import { type Appliance, epochNow } from "../view";
import { type Pairer, provisioned } from "./pairing";
import { mayBelong } from "./policy";
import type { Common } from "./situation";
import { Trial } from "./trial";
import type { Workplace } from "./workplace";

const REVOKED_MS = 10_000;

export class Joining {
  /** Until when people are told that somebody has ended the pairing. */
  revokedUntil = 0;
  private readonly common: Common;
  private readonly pairer: Pairer;
  private readonly workplace: Workplace;

  constructor(common: Common, pairer: Pairer, workplace: Workplace) {
    this.common = common;
    this.pairer = pairer;
    this.workplace = workplace;
  }

  async connect(appliance: Appliance): Promise<void> {
    const { screen, situation, log, alerts, changed } = this.common;
    if (!mayBelong(situation.policy, appliance)) {
      situation.problem = problemOf("HOST_NOT_ALLOWED");
      log.add(
        `정책이 정한 서버가 아니라 연결하지 않았습니다: ${appliance.base}`,
        `Not connected, since the policy names another server: ${appliance.base}`,
      );
      if (!screen.pairing) this.common.begin();
      return;
    }
    if (screen.pairing && screen.pairing.instanceId !== appliance.instanceId) this.leave();
    situation.handed = null;
    situation.appliance = appliance;
    alerts.settled();
    const { policy } = situation;
    const trial = await Trial.of(policy, appliance, this.common.kept);
    if (situation.policy !== policy) return;
    if (!trial?.failures) {
      log.add(`${appliance.name} 공장에 연결: ${appliance.base}`, `Connecting to ${appliance.name}: ${appliance.base}`);
    }
    if (trial) {
      if (!trial.isWaiting) await this.useProvisioned(trial, appliance);
      if (situation.policy !== policy || screen.pairing) return;
      if (!trial.isRefused) {
        situation.decided = policy;
        situation.becomes({ kind: "looking", nothing: false });
        changed();
        return;
      }
    }
    situation.phase = { kind: "pairing", appliance };
    changed();
    void this.pair(appliance);
    await this.workplace.showOwn();
  }

  private async pair(appliance: Appliance): Promise<void> {
    const pairing = await this.pairer.ask(appliance.base, () => this.workplace.displays);
    if (pairing && !this.take(pairing, appliance)) this.common.begin();
  }

  /** With what IT has set there is nothing to approve. */
  private async useProvisioned(trial: Trial, appliance: Appliance): Promise<void> {
    const { lasting } = this.common.kept;
    try {
      const pairing = await provisioned(appliance.base, trial.screenId, trial.deviceSecret);
      if (this.take(pairing, appliance)) {
        lasting.set("spent", trial.digest);
        lasting.set("provisioned", true);
      } else {
        trial.failed(null);
      }
    } catch (error) {
      trial.failed(error);
      const { message } = problemIn(error);
      if (trial.isRefused) {
        this.common.log.add(
          `정책의 등록 정보로 등록하지 못했습니다. ${message.ko}`,
          `Pairing by policy failed. ${message.en}`,
        );
      } else if (trial.failures === 1) {
        this.common.log.add(
          `정책의 등록 정보로 아직 등록하지 못해 계속 시도합니다. ${message.ko}`,
          `Pairing by policy hasn't worked yet, and is tried again and again. ${message.en}`,
        );
      }
    }
  }

  /**
   * What was asked of one appliance is kept only where that very one has answered, and IT hasn't ruled it out since.
   * Answers whether it was.
   */
  take(pairing: Pairing, appliance: Appliance): boolean {
    const { situation, log } = this.common;
    if (pairing.instanceId !== appliance.instanceId || !mayBelong(situation.policy, appliance)) {
      situation.problem = problemOf("TOKEN_INVALID");
      log.add(
        `다른 서버가 답해 등록하지 않았습니다: ${appliance.base}`,
        `Not paired, since another server has answered: ${appliance.base}`,
      );
      return false;
    }
    this.common.kept.lasting.set("provisioned", null);
    this.adopt(pairing, appliance);
    return true;
  }

  private adopt(pairing: Pairing, appliance: Appliance): void {
    const { screen, situation, log, alerts } = this.common;
    const { lasting } = this.common.kept;
    this.pairer.stop();
    screen.stop();
    screen.orders.empty(); // it was another screen's
    situation.appliance = appliance;
    situation.decided = null;
    lasting.set("place", null);
    lasting.set("memory", null);
    screen.tokens.adopt(pairing);
    screen.lostAt = epochNow(); // what was before was no outage of this pairing's
    this.revokedUntil = 0;
    alerts.settled();
    log.add(`${pairing.screenId} 자리로 등록했습니다`, `Paired as ${pairing.screenId}`);
    this.common.begin();
  }

  /** The appliance refuses every credential of this PC. */
  async refused(): Promise<void> {
    const { situation, log } = this.common;
    log.add("관리자가 이 자리의 등록을 해제했습니다", "This station was unpaired");
    this.revokedUntil = epochNow() + REVOKED_MS;
    const { appliance } = situation;
    this.leave();
    if (appliance && mayBelong(situation.policy, appliance)) await this.connect(appliance);
    else this.common.begin();
  }

  /** This PC is no screen any more. */
  leave(): void {
    const { screen, kept } = this.common;
    screen.stop();
    screen.orders.empty();
    screen.tokens.forget();
    for (const key of ["place", "last", "memory"] as const) kept.lasting.set(key, null);
    this.pairer.stop();
  }
}
