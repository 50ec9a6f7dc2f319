/**
 * What the extension remembers: read once when the worker wakes, written through at each change. Chrome ends the worker
 * whenever it likes, so nothing that matters lives in it alone.
 */
import type { Lang } from "../../src/lib/i18n";
import type { Held } from "../../src/lib/tokens";
import type { DeviceAnswer } from "../../src/station/deviceflow";
import type { LastOrder, Place } from "../../src/station/place";
import type { Appliance, Entry, Paper, Shown } from "../view";
import type { Tried } from "./trial";

/** Outlives the browser. */
export type Lasting = {
  pairing: Held;
  appliance: Appliance;
  place: Place;
  last: LastOrder;
  lang: Lang;
  /** The monitor a person chose for work orders, by the system's own id. */
  monitor: string;
  log: Entry[];
  memory: string;
  wire: string;
  /** The policy's device secret that was used already: a digest, so that it is told from a new one. */
  spent: string;
  /** Whether the pairing came of that secret. */
  provisioned: boolean;
  /** The full-screen windows that the extension has made: a reload of it forgets its session, and they stay. */
  windows: number[];
};

/** Ends with the browser, as windows and codes do. */
export type Passing = {
  /** By display index. */
  windows: Record<number, number>;
  shown: Record<number, Shown>;
  papers: Record<number, Paper>;
  /** Whose documents may be opened beside the appliance's own; [] for anyone's. */
  hosts: readonly string[];
  /** The window that lies over what a monitor shows. */
  over: number;
  /** Since when there has been no session; ms since the epoch. */
  lostAt: number;
  /** Whether people were told of that. */
  lostSaid: boolean;
  /** The window that asks what a page wants answered. */
  question: number;
  code: { answer: DeviceAnswer; endsAt: number; base: string };
  trial: Tried;
};

type Area = Pick<chrome.storage.StorageArea, "get" | "set" | "remove">;

export class Keeper<T extends object> {
  private readonly area: Area;
  private readonly values: Partial<T>;

  constructor(area: Area, values: Partial<T>) {
    this.area = area;
    this.values = values;
  }

  static async of<T extends object>(area: Area): Promise<Keeper<T>> {
    return new Keeper<T>(area, (await area.get(null)) as Partial<T>);
  }

  get<K extends keyof T & string>(key: K): T[K] | null {
    return this.values[key] ?? null;
  }

  /** Null forgets. What the browser won't keep is only forgotten with the worker. */
  set<K extends keyof T & string>(key: K, value: T[K] | null): void {
    if (value === null) {
      delete this.values[key];
      void this.area.remove(key).catch(() => {});
    } else {
      this.values[key] = value;
      void this.area.set({ [key]: value }).catch(() => {});
    }
  }
}

export type Kept = { lasting: Keeper<Lasting>; passing: Keeper<Passing> };

export async function readKept(): Promise<Kept> {
  const [lasting, passing] = await Promise.all([
    Keeper.of<Lasting>(chrome.storage.local),
    Keeper.of<Passing>(chrome.storage.session),
  ]);
  return { lasting, passing };
}
