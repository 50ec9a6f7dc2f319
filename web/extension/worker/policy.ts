/** What IT has set for this PC: `managed.json` lists it. */
import { type Problem, problemOf } from "../../src/lib/errors";
import type { Lang } from "../../src/lib/i18n";
import type { Appliance } from "../view";
import { baseOf } from "./address";

export type Policy = {
  base: string | null;
  /** The address as IT has set it, where it can't be read as one: then none is the right one. */
  unreadable: string | null;
  instanceId: string | null;
  screenId: string | null;
  deviceSecret: string | null;
  lang: Lang | null;
};

export const NO_POLICY: Policy = {
  base: null,
  unreadable: null,
  instanceId: null,
  screenId: null,
  deviceSecret: null,
  lang: null,
};

/** So much of an address stands in the popup and the log. */
const SAID_CHARS = 120;

/** Chrome may take a long time to say that there is none, and rejects where none was ever set. */
export async function readPolicy(): Promise<Policy> {
  const set = (await chrome.storage.managed.get(null).catch(() => ({}))) as Record<string, unknown>;
  const text = (name: string): string | null => {
    const value = set[name];
    return typeof value === "string" && value.trim() !== "" ? value.trim() : null;
  };
  const lang = text("language");
  const address = text("address");
  const base = address ? baseOf(address) : null;
  return {
    base,
    unreadable: base ? null : address,
    instanceId: text("instanceId"),
    screenId: text("screenId"),
    deviceSecret: text("deviceSecret"),
    lang: lang === "ko" || lang === "en" ? lang : null,
  };
}

/** Whether `appliance` may be the one that IT means: by its identity; where IT has set none, by its address alone. */
export function mayBelong({ base, unreadable, instanceId }: Policy, appliance: Appliance): boolean {
  if (unreadable) return false;
  if (instanceId) return appliance.instanceId === instanceId;
  return base === null || isDoor(base, appliance.base);
}

/** The secret goes to nobody whom IT has not named. */
export function mayHaveSecret(policy: Policy, appliance: Appliance): boolean {
  return (policy.instanceId !== null || policy.base !== null) && mayBelong(policy, appliance);
}

/** Whether IT has said where the appliance is, so that nobody here chooses. */
export function isSet({ base, unreadable }: Policy): boolean {
  return base !== null || unreadable !== null;
}

/** What is to be said of an address that can't be read. */
export function unreadableProblem({ unreadable }: Policy): Problem | null {
  if (!unreadable) return null;
  const said = unreadable.slice(0, SAID_CHARS);
  return {
    ...problemOf("SETTINGS_INVALID"),
    message: {
      ko: `시스템 관리자가 정한 주소를 읽을 수 없습니다: ${said}`,
      en: `The address that your administrator has set can't be read: ${said}`,
    },
    action: {
      ko: "시스템 관리자에게 주소를 고쳐 달라고 해 주세요.",
      en: "Ask your administrator to correct the address.",
    },
  };
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
