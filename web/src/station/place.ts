/** What this station is called and last showed, remembered so that it can say so while it is cut off. */
import type { Welcome } from "../lib/messages";
import { recall, remember } from "../lib/storage";

export type Place = { screenId: string; name: string; groups: string[]; displayIndex: number; plant: string };
export type LastOrder = { name: string; acceptedAt: number };

const PLACE_KEY = "vooster.station";
const LAST_KEY = "vooster.last";

function recalled<T>(key: string, holds: (value: Partial<T>) => boolean): T | null {
  try {
    const value = JSON.parse(recall(key) ?? "null") as Partial<T> | null;
    return value && holds(value) ? (value as T) : null;
  } catch {
    return null;
  }
}

export function recallPlace(): Place | null {
  return recalled<Place>(
    PLACE_KEY,
    (value) =>
      typeof value.screenId === "string" &&
      typeof value.name === "string" &&
      Array.isArray(value.groups) &&
      Number.isInteger(value.displayIndex),
  );
}

export function keepPlace(place: Place | null): void {
  remember(PLACE_KEY, place && JSON.stringify(place));
}

/** Null for a session that isn't a screen's. */
export function placeOf(welcome: Welcome): Place | null {
  const { screenId, screen, plant } = welcome;
  if (!screenId) return null;
  const { name = screenId, groups = [], displayIndex = 0 } = screen ?? {};
  return { screenId, name: name || screenId, groups, displayIndex, plant };
}

export function recallLast(): LastOrder | null {
  return recalled<LastOrder>(
    LAST_KEY,
    (value) => typeof value.name === "string" && typeof value.acceptedAt === "number",
  );
}

export function keepLast(last: LastOrder | null): void {
  remember(LAST_KEY, last && JSON.stringify(last));
}
