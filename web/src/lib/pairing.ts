/** The pairing this browser holds, if it is a screen (`/display`) or was made one (`/pair`). */
import { recall, remember } from "./storage";

export type Pairing = {
  screenId: string;
  accessToken: string;
  refreshToken: string;
  /** Seconds the access token lives from when it was given. */
  expiresIn: number;
  deviceSecret: string;
  serverUrl: string;
  instanceId: string;
};

export const PAIRING_KEY = "vooster.pairing";

const MEMBERS = ["screenId", "accessToken", "refreshToken", "deviceSecret"] as const;

export function loadPairing(): Pairing | null {
  try {
    const value = JSON.parse(recall(PAIRING_KEY) ?? "null") as Pairing | null;
    return value && MEMBERS.every((name) => typeof value[name] === "string") ? value : null;
  } catch {
    return null;
  }
}

/** Answers false where the browser keeps nothing: the screen would be lost at the next start. */
export function savePairing(pairing: Pairing | null): boolean {
  return remember(PAIRING_KEY, pairing === null ? null : JSON.stringify(pairing));
}
