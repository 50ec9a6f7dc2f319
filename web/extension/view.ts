/** What the worker tells the extension's pages, and what they ask of it. Times are ms since the epoch. */
import type { Problem } from "../src/lib/errors";
import type { Lang, Text } from "../src/lib/i18n";
import type { Bounds, Display } from "../src/lib/messages";
import type { Link } from "../src/lib/wire/connection";
import type { Asking } from "../src/station/deviceflow";
import type { LastOrder, Place } from "../src/station/place";
import type { Monitor, Sheet } from "../src/station/stage";

export type FoundBy = "policy" | "pairing" | "name" | "page" | "typed";

export type Appliance = {
  /** Origin it answered at: `http://192.168.10.20:8480`. */
  base: string;
  instanceId: string;
  name: string;
  version: string;
  /** Its name on the LAN, `vooster-2.local`, where it says one. */
  host: string | null;
  by: FoundBy;
};

/** A line of the plain log. */
export type Entry = { at: number; text: Text };

/**
 * What was shown last on a monitor, and is there still. `url` as it stands in the tab, null where the page draws it;
 * `tookMs` from the scan on; null for one that was put back, whose scan may be hours ago.
 */
export type Shown = { sheet: Sheet; url: string | null; shownAt: number; tookMs: number | null };

/** A document for the page on a monitor to draw. `load` names this try; `keep` as of the viewer's `open`. */
export type Paper = { load: string; sheet: Sheet; keep: boolean; isDrawn: boolean };

/** What such a page tells of a paper. */
export type Report =
  | { did: "draw"; load: string }
  /** A tab has to show it. */
  | { did: "decline"; load: string }
  | { did: "break"; load: string; code: string; detail: string }
  /** What stood there leads itself to where nothing may be opened. */
  | { did: "stray"; load: string };

/** The last test page: on which monitor, how long that took, when it stood there. */
export type Tested = { index: number; tookMs: number; at: number };

export type Phase =
  /** Nothing answered yet: it goes on looking, also while this says that nothing was found. */
  | { kind: "looking"; nothing: boolean }
  /** Waits for a person's click. */
  | { kind: "found"; appliance: Appliance }
  /**
   * A page of the appliance handed over a pairing; waits for a click. `instead` is what this PC would no longer be,
   * `offer` tells it from every other.
   */
  | { kind: "offered"; appliance: Appliance; screenId: string; instead: string | null; offer: number }
  | { kind: "pairing"; appliance: Appliance }
  /** Another appliance answers where the paired one was. */
  | { kind: "different"; appliance: Appliance }
  | { kind: "paired" };

export type View = {
  /** The worker's clock as it told this: a page that began before the PC slept, or had its clock set, has another. */
  now: number;
  lang: Lang;
  version: string;
  phase: Phase;
  appliance: Appliance | null;
  byPolicy: boolean;
  place: Place | null;
  last: LastOrder | null;
  link: Link;
  lostAt: number | null;
  asking: Asking | null;
  revokedUntil: number;
  monitors: (Display & { id: string; bounds: Bounds })[];
  /** Index of the monitor that work orders go to. */
  target: number;
  stages: Record<number, Monitor>;
  papers: Record<number, Paper>;
  shown: Shown | null;
  identify: { label: string; until: number } | null;
  notice: { problem: Problem; until: number } | null;
  /** What a person asked for here and is still under way. */
  doing: Command["do"] | null;
  /** Of the last thing a person asked for here. */
  problem: Problem | null;
  tested: Tested | null;
  /** Addresses that were asked for an appliance the last time it was looked for. */
  tried: string[];
  /** Where one answers whose certificate this PC doesn't trust: at which origin its page about that is to be had. */
  untrusted: string[];
  log: Entry[];
};

/** Which appliance stood there when it was pressed: a click is meant for that one alone. */
export type Meant = Pick<Appliance, "base" | "instanceId">;

export type Command =
  | { do: "look" }
  | ({ do: "connect" } & Meant)
  | { do: "type"; address: string }
  | ({ do: "accept"; screenId: string; offer: number } & Meant)
  | { do: "decline" }
  | { do: "show" }
  | { do: "reconnect" }
  | { do: "test" }
  | { do: "unpair" }
  | { do: "choose"; monitor: string }
  | { do: "lang"; lang: Lang }
  | { do: "beat" };

/** What a page of an appliance hands over, by the content script. */
export type HandOff = { handoff: { origin: string; screenId: string | null; token: string | null } };

export const PORT = "view";

/** The clock of worker and pages alike: ms since the epoch, and nobody sets it while they run. */
export function epochNow(): number {
  return performance.timeOrigin + performance.now();
}
