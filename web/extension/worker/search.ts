/** Where this PC's appliance is: looked for until it is found, and again once it is lost; asked who it is before secrets go. */
import { problemOf } from "../../src/lib/errors";
import { type Appliance, epochNow } from "../view";
import { baseOf } from "./address";
import { ask, candidates, find } from "./finder";
import { mayBelong } from "./policy";
import type { Common } from "./situation";

const LOOK_AGAIN_MS = 5_000;

export class Search {
  /** Addresses that were asked the last time. */
  tried: string[] = [];
  private looking: Promise<void> | null = null;
  private lookedAt = 0;
  private distrusted: string[] = [];
  /** The same of the address that was typed last: looking goes on meanwhile, and knows nothing of that. */
  private distrustedTyped: string[] = [];
  private readonly common: Common;
  private readonly connect: (appliance: Appliance) => Promise<void>;

  /** `connect` is called where nobody needs to be asked. */
  constructor(common: Common, connect: (appliance: Appliance) => Promise<void>) {
    this.common = common;
    this.connect = connect;
  }

  /** Where one answers whose certificate isn't trusted. */
  get untrusted(): string[] {
    return [...this.distrustedTyped, ...this.distrusted];
  }

  look(): Promise<void> {
    if (this.looking) return this.looking;
    const looking = this.all().finally(() => {
      if (this.looking !== looking) return; // another policy's
      this.looking = null;
      this.lookedAt = epochNow();
    });
    this.looking = looking;
    return looking;
  }

  /** Looks where the last time is long enough ago. */
  lookAgain(): void {
    if (epochNow() - this.lookedAt >= LOOK_AGAIN_MS) void this.look();
  }

  /** What is under way counts for nothing any more. */
  drop(): void {
    this.looking = null;
  }

  private async all(): Promise<void> {
    const { screen, situation, alerts, changed } = this.common;
    const { policy } = situation;
    const { pairing } = screen;
    if (policy.unreadable && !pairing) {
      this.tried = [];
      return;
    }
    const isWanted = (one: Appliance): boolean =>
      pairing ? !pairing.instanceId || one.instanceId === pairing.instanceId : mayBelong(policy, one);
    const places = candidates({
      policy: policy.base,
      appliance: situation.appliance,
      serverUrl: pairing?.serverUrl ?? null,
    });
    const asked = policy.base ? places.filter((place) => pairing || place.by === "policy") : places;
    this.tried = asked.map(({ base }) => base);
    const { found, others, untrusted } = await find(asked, isWanted);
    if (screen.pairing !== pairing || situation.policy !== policy) return; // something else happened meanwhile
    this.distrusted = untrusted;
    if (pairing) {
      this.relocated(found, others);
    } else if (found && situation.phase.kind === "looking") {
      if (policy.base || situation.decided === policy) {
        await this.connect(found);
      } else {
        situation.phase = { kind: "found", appliance: found };
        alerts.found(found.name);
      }
    } else if (situation.phase.kind === "looking") {
      situation.phase = { kind: "looking", nothing: true };
    }
    changed();
  }

  /** A screen that lost its appliance: it may have got another address, and another may have got its own. */
  private relocated(found: Appliance | null, others: Appliance[]): void {
    const { screen, situation, log } = this.common;
    const { appliance } = situation;
    if (found) {
      situation.becomes({ kind: "paired" });
      if (found.base !== appliance?.base) {
        log.add(`서버를 새 주소에서 찾았습니다: ${found.base}`, `Found the server at its new address: ${found.base}`);
      }
      situation.appliance = { ...found, by: appliance?.by ?? found.by };
      screen.start(found);
      return;
    }
    const other = others.find(({ base }) => base === appliance?.base);
    if (other) situation.becomes({ kind: "different", appliance: other });
  }

  /** Before anything secret goes there: is it still the appliance that this PC belongs to? Throws where it isn't. */
  async verify(): Promise<void> {
    const { screen, situation, changed } = this.common;
    const { appliance } = situation;
    const { pairing } = screen;
    if (!pairing) return;
    const base = appliance?.base ?? baseOf(pairing.serverUrl) ?? "";
    const answers = await ask({ base, by: appliance?.by ?? "pairing" });
    if (!answers) throw new Error("it doesn't answer");
    if (answers.instanceId !== pairing.instanceId) {
      situation.becomes({ kind: "different", appliance: answers });
      changed();
      throw new Error("another appliance answers there");
    }
    if (situation.phase.kind === "different") situation.phase = { kind: "paired" };
    if (answers.host !== appliance?.host || answers.name !== appliance?.name) situation.appliance = answers;
  }

  /** At an address that a person has typed. */
  async typed(address: string): Promise<void> {
    const { screen, situation } = this.common;
    const { policy } = situation;
    const base = policy.base ?? (policy.unreadable ? null : baseOf(address));
    const by = policy.base ? "policy" : "typed";
    const { found: appliance, untrusted } = await find(base ? [{ base, by }] : [], () => true);
    this.distrustedTyped = untrusted;
    if (!appliance) {
      if (untrusted.length === 0) situation.problem = problemOf("CONNECTION_REFUSED");
    } else if (!screen.pairing) {
      await this.connect(appliance);
    }
  }
}
