/** Which stations' labels are printed, in which order, and their codes drawn by the appliance. */
import { useEffect, useState } from "preact/hooks";
import { get } from "../lib/api";
import { type Problem, problemIn } from "../lib/errors";
import { byId, nameOf } from "./screenText";
import { noticeEnd } from "./session";
import type { Label, Labels, Screen } from "./types";

export const LABELS_A_PAGE = 8;
/** How many the appliance draws at a time. */
const A_CALL = 24;

/** What the address says: one line or all, and some stations or all of those. */
export type Selection = { line: string | null; ids: string[] | null };

export function selectionIn(search: URLSearchParams): Selection {
  const ids = search.getAll("screenId");
  return { line: search.get("line"), ids: ids.length > 0 ? ids : null };
}

export function addressOf({ line, ids }: Selection): string {
  const search = new URLSearchParams([
    ...(line === null ? [] : [["line", line]]),
    ...(ids ?? []).map((id) => ["screenId", id]),
  ]);
  return search.size > 0 ? `/screens/labels?${search}` : "/screens/labels";
}

export function linesOf(screens: Screen[]): string[] {
  const collator = new Intl.Collator(undefined, { numeric: true });
  return [...new Set(screens.flatMap((screen) => screen.groups))].sort(collator.compare);
}

/** The stations of a line (all without one): line by line, by id. */
export function stationsOf(screens: Screen[], line: string | null): Screen[] {
  const found = screens.filter((screen) => line === null || screen.groups.includes(line));
  const order = linesOf(screens);
  const place = (screen: Screen): number => {
    const at = order.indexOf(screen.groups[0] ?? "");
    return at < 0 ? order.length : at;
  };
  return found.sort((a, b) => place(a) - place(b) || byId(a, b) || nameOf(a).localeCompare(nameOf(b)));
}

export function pagesOf<T>(items: T[], size = LABELS_A_PAGE): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, at) => items.slice(at * size, (at + 1) * size));
}

export type Drawn = { labels: ReadonlyMap<string, Label>; address: string; problem: Problem | null };

/** The labels of these screens, those not yet known asked for a call at a time. `turn` starts over after a problem. */
export function useLabels(ids: string[], turn: number): Drawn {
  const [drawn, setDrawn] = useState<Drawn>({ labels: new Map(), address: "", problem: null });
  const missing = ids.filter((id) => !drawn.labels.has(id)).slice(0, A_CALL);
  const key = missing.join(" ");
  useEffect(() => {
    if (!key) return undefined;
    let stopped = false;
    const query = new URLSearchParams(missing.map((id) => ["screenId", id]));
    get<Labels>(`/api/pairing/labels?${query}`).then(
      ({ items, address }) => {
        if (stopped) return;
        const news = items.map((label): [string, Label] => [label.screenId, label]);
        setDrawn((old) => ({ labels: new Map([...old.labels, ...news]), address, problem: null }));
      },
      (error: unknown) => {
        if (stopped) return;
        const problem = problemIn(error);
        noticeEnd(problem);
        setDrawn((old) => ({ ...old, problem }));
      },
    );
    return () => {
      stopped = true;
    };
  }, [key, turn]);
  return drawn;
}
