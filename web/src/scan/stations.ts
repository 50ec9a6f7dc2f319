/** The stations a person can send to, and the one this PC is used for. */
import { signal } from "@preact/signals";
import { get } from "../lib/api";
import { type Problem, problemIn } from "../lib/errors";
import { lineNames } from "../lib/names";
import { recall, remember } from "../lib/storage";
import type { ScreenState } from "../ui/states";

export type Station = { screenId: string; name: string; groups: string[]; state: ScreenState };
type List = { items: Station[]; cursor: string | null };

const KEY = "vooster.scan.station";

export class Stations {
  readonly list = signal<Station[] | null>(null);
  readonly problem = signal<Problem | null>(null);
  readonly chosen = signal<Station | null>(recalled());

  /** Reads all pages of the list; the only station there is needs no choosing. */
  async load(): Promise<void> {
    try {
      const found: Station[] = [];
      for (let cursor: string | null = ""; cursor !== null; ) {
        const page: List = await get<List>(`/api/screens${cursor && `?cursor=${encodeURIComponent(cursor)}`}`);
        found.push(...page.items);
        cursor = page.cursor;
      }
      this.list.value = found;
      this.problem.value = null;
      const { value } = this.chosen;
      const same = found.find((station) => station.screenId === value?.screenId);
      this.chosen.value = same ?? (found.length === 1 && found[0] ? found[0] : null);
    } catch (error) {
      this.problem.value = problemIn(error);
    }
  }

  choose(station: Station): void {
    this.chosen.value = station;
    remember(KEY, JSON.stringify(station));
  }
}

/** Line and name as they are said: 1라인 절단 1. */
export function saidName(station: Pick<Station, "screenId" | "name" | "groups">): string {
  return [...lineNames(station.groups), station.name || station.screenId].join(" ");
}

function recalled(): Station | null {
  try {
    const value = JSON.parse(recall(KEY) ?? "null") as Partial<Station> | null;
    if (typeof value?.screenId !== "string" || !Array.isArray(value.groups)) return null;
    return { name: value.screenId, state: "ready", ...value } as Station;
  } catch {
    return null;
  }
}
