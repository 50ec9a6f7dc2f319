/**
 * Documents that are drawn rather than opened in the tab: a browser's PDF viewer looks loaded a second or more before
 * there is anything to be seen, a damaged picture looks loaded for ever, and a change of site takes a process of its
 * own. The extension's page on the monitor has what stands here for it drawn, and tells.
 */
import type { Sheet } from "../../src/station/stage";
import { formatOf } from "../../src/station/viewer/address";
import { LoadFailure, ledAstray, failed as notDrawn } from "../../src/station/viewer/load";
import type { Paper, Report } from "../view";
import type { Keeper, Passing } from "./kept";
import { LOAD_MS, Overtaken } from "./loads";

/** Of the paper that stands for the same monitor. */
type Drawing = { drawn(): void; failed(error: Error): void };

/**
 * Whether documents of this type are drawn by the extension's page; others stand in the tab as they are. `isOwn`: only
 * the appliance's pages are known to let themselves be framed, and to be kept from everything there.
 */
export function isDrawn(contentType: string, isOwn: boolean): boolean {
  const format = formatOf(contentType);
  return format !== null && (format !== "html" || isOwn);
}

/** It isn't for the page to draw: a tab has to show it. */
export class Declined extends Error {}

const TYPES: Record<string, string> = {
  pdf: "application/pdf",
  png: "image/png",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  gif: "image/gif",
  webp: "image/webp",
  svg: "image/svg+xml",
};

/** What an address seems to be by its name; null where only its answer tells. */
export function typeByName(url: string): string | null {
  const ending = /\.(\w{1,5})$/.exec(URL.canParse(url) ? new URL(url).pathname : "")?.[1];
  return TYPES[ending?.toLowerCase() ?? ""] ?? null;
}

export class Papers {
  /** A page couldn't draw once more what it had drawn. */
  onLost: (index: number) => void = () => {};

  /** A document that was drawn leads itself to where nothing may be opened. */
  onStrayed: (index: number) => void = () => {};

  private readonly kept: Keeper<Passing>;
  private readonly changed: () => void;
  private readonly drawings = new Map<number, Drawing>();

  constructor(kept: Keeper<Passing>, changed: () => void) {
    this.kept = kept;
    this.changed = changed;
    // What wasn't drawn when the worker was ended comes again from the appliance.
    this.keep(Object.entries(this.all).filter(([, paper]) => paper.isDrawn));
  }

  /** What the pages draw, by display index. */
  get all(): Record<number, Paper> {
    return this.kept.get("papers") ?? {};
  }

  /** Resolves once the page has it on the monitor. Rejects with a LoadFailure, or with Overtaken by a newer one. */
  draw(index: number, sheet: Sheet, keep: boolean, patience = LOAD_MS): Promise<void> {
    this.overtake(index);
    const load = crypto.randomUUID();
    return new Promise((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer);
        this.drawings.delete(index);
      };
      const failed = (error: Error): void => {
        end();
        reject(error);
      };
      const drawn = (): void => {
        end();
        const paper = this.all[index];
        if (paper) this.put(index, { ...paper, isDrawn: true });
        resolve();
      };
      const late = notDrawn("not drawn in time");
      const timer = setTimeout(() => failed(late), Math.max(0, patience));
      this.drawings.set(index, { drawn, failed });
      this.put(index, { load, sheet, keep, isDrawn: false });
    });
  }

  /** Whoever waits for a drawing there waits no more. */
  overtake(index: number): void {
    this.drawings.get(index)?.failed(new Overtaken());
  }

  /** The page puts away what it has drawn. */
  away(index: number): void {
    this.overtake(index);
    if (!this.all[index]) return;
    this.keep(Object.entries(this.all).filter(([at]) => Number(at) !== index));
    this.changed();
  }

  /** What a page on a monitor tells. Words of earlier loads change nothing. */
  told(report: Report): void {
    const found = Object.entries(this.all).find(([, { load }]) => load === report.load);
    if (!found) return;
    const index = Number(found[0]);
    const drawing = this.drawings.get(index);
    if (!drawing) {
      if (report.did === "break") this.onLost(index);
      if (report.did === "stray") this.onStrayed(index);
    } else if (report.did === "draw") {
      drawing.drawn();
    } else if (report.did === "decline") {
      drawing.failed(new Declined());
    } else if (report.did === "stray") {
      drawing.failed(ledAstray());
    } else {
      drawing.failed(new LoadFailure(report.code, report.detail));
    }
  }

  private put(index: number, paper: Paper): void {
    this.kept.set("papers", { ...this.all, [index]: paper });
    this.changed();
  }

  private keep(entries: [string, Paper][]): void {
    this.kept.set("papers", Object.fromEntries(entries));
  }
}
