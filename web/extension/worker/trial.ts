/**
 * A policy's secret at the appliance that it names: asked until that has said yes or no. A server that starts, is busy or
 * can't be reached has said neither, and a QR code would wait for a person where IT wanted none.
 */
import { problemIn } from "../../src/lib/errors";
import { type Appliance, epochNow } from "../view";
import type { Keeper, Kept, Passing } from "./kept";
import { digestOf, mayHaveSecret, type Policy } from "./policy";

const LEAST_MS = 5_000;
const MOST_MS = 120_000;
/** An appliance that asks for more is asked again all the same. */
const PATIENCE_MS = 600_000;

/** `of` tells the policy, by a digest. `nextAt` in ms since the epoch, null once it was refused. */
export type Tried = { of: string; failures: number; nextAt: number | null };

export class Trial {
  /** By which the secret is known again. */
  readonly digest: string;
  readonly screenId: string;
  readonly deviceSecret: string;
  private readonly of: string;
  private readonly kept: Keeper<Passing>;

  private constructor(kept: Keeper<Passing>, of: string, digest: string, screenId: string, deviceSecret: string) {
    this.kept = kept;
    this.of = of;
    this.digest = digest;
    this.screenId = screenId;
    this.deviceSecret = deviceSecret;
  }

  /** Null where there is nothing to try: IT has set no secret, not for this appliance, or it was used or refused. */
  static async of(policy: Policy, appliance: Appliance, { passing, lasting }: Kept): Promise<Trial | null> {
    const { base, instanceId, screenId, deviceSecret } = policy;
    if (!screenId || !deviceSecret || !mayHaveSecret(policy, appliance)) return null;
    const digest = await digestOf(deviceSecret);
    const of = await digestOf(JSON.stringify([base, instanceId, screenId, deviceSecret]));
    const trial = new Trial(passing, of, digest, screenId, deviceSecret);
    return lasting.get("spent") === digest || trial.isRefused ? null : trial;
  }

  /** How often in a row there was no answer to go by. */
  get failures(): number {
    return this.tried?.failures ?? 0;
  }

  get isRefused(): boolean {
    return this.tried?.nextAt === null;
  }

  /** Whether it is too soon to ask again. A clock that was set meanwhile makes nobody wait for longer. */
  get isWaiting(): boolean {
    const left = (this.tried?.nextAt ?? 0) - epochNow();
    return left > 0 && left <= PATIENCE_MS + MOST_MS;
  }

  /** What came of asking; `error` null where an answer came that says nothing. */
  failed(error: unknown): void {
    const { status, retryAfterSeconds } = problemIn(error);
    const failures = this.failures + 1;
    // A plant's PCs are switched on at once, and mustn't all come again at once.
    const step = Math.min(LEAST_MS * 2 ** (failures - 1), MOST_MS);
    const least = Math.max(step, Math.min((retryAfterSeconds ?? 0) * 1000, PATIENCE_MS));
    const nextAt = isRefusal(status) ? null : epochNow() + least + Math.random() * step;
    this.kept.set("trial", { of: this.of, failures, nextAt });
  }

  private get tried(): Tried | null {
    const tried = this.kept.get("trial");
    return tried?.of === this.of ? tried : null;
  }
}

/** Whether an answer is the appliance's last word, by its HTTP status. */
function isRefusal(status: number | null): boolean {
  return status !== null && status >= 400 && status < 500 && ![408, 425, 429].includes(status);
}
