/** The pairing code this window shows, remembered in the window alone: a reload goes on with it, another tab doesn't. */
import type { DeviceAnswer } from "./deviceflow";

export type WindowStorage = Pick<Storage, "getItem" | "setItem" | "removeItem">;

/** `endsAt` by this PC's clock, the only one that outlives a page. */
type Kept = { code: DeviceAnswer; endsAt: number };

const KEY = "vooster.code";

export function keepCode(code: DeviceAnswer | null, storage = ownStorage(), now = Date.now()): void {
  try {
    if (code === null) storage?.removeItem(KEY);
    else storage?.setItem(KEY, JSON.stringify({ code, endsAt: now + code.expires_in * 1000 } satisfies Kept));
  } catch {
    // nothing is kept: the next page shows a new code
  }
}

/** The code with the seconds it has left; null where none was kept, or the clock was set back meanwhile. */
export function keptCode(storage = ownStorage(), now = Date.now()): DeviceAnswer | null {
  try {
    const value = JSON.parse(storage?.getItem(KEY) ?? "null") as Partial<Kept> | null;
    const { code, endsAt } = value ?? {};
    if (typeof code?.device_code !== "string" || typeof code.user_code !== "string") return null;
    const left = (Number(endsAt) - now) / 1000;
    if (!(left > 0 && left <= code.expires_in)) return null;
    return { ...code, expires_in: left, whole_seconds: code.whole_seconds ?? code.expires_in };
  } catch {
    return null;
  }
}

function ownStorage(): WindowStorage | null {
  try {
    return sessionStorage;
  } catch {
    return null;
  }
}
