/** What IT has set for this PC: `managed.json` lists it. */
import type { Lang } from "../../src/lib/i18n";
import type { Appliance } from "../view";
import { baseOf } from "./address";

export type Policy = {
  base: string | null;
  instanceId: string | null;
  screenId: string | null;
  deviceSecret: string | null;
  lang: Lang | null;
};

export const NO_POLICY: Policy = { base: null, instanceId: null, screenId: null, deviceSecret: null, lang: null };

/** Chrome may take a long time to say that there is none, and rejects where none was ever set. */
export async function readPolicy(): Promise<Policy> {
  const set = (await chrome.storage.managed.get(null).catch(() => ({}))) as Record<string, unknown>;
  const text = (name: string): string | null => {
    const value = set[name];
    return typeof value === "string" && value.trim() !== "" ? value.trim() : null;
  };
  const lang = text("language");
  const address = text("address");
  return {
    base: address ? baseOf(address) : null,
    instanceId: text("instanceId"),
    screenId: text("screenId"),
    deviceSecret: text("deviceSecret"),
    lang: lang === "ko" || lang === "en" ? lang : null,
  };
}

/** Whether `appliance` may be the one that IT means: by its identity; where IT has set none, by its address alone. */
export function mayBelong({ base, instanceId }: Policy, appliance: Appliance): boolean {
  if (instanceId) return appliance.instanceId === instanceId;
  return base === null || isDoor(base, appliance.base);
}

/** The secret goes to nobody whom IT has not named. */
export function mayHaveSecret(policy: Policy, appliance: Appliance): boolean {
  return (policy.instanceId !== null || policy.base !== null) && mayBelong(policy, appliance);
}

/** `base` itself, or the same door over TLS, where its appliance asks for that. */
export function isDoor(base: string, origin: string): boolean {
  return origin === base || origin === base.replace(/^http:/, "https:");
}

/** By which a secret is known again without being kept. */
export async function digestOf(secret: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(secret));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
