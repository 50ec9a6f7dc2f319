/** The one document on the monitor: opens it, says honestly when it is shown, turns its pages, puts it away. */
import type { Sheet } from "../stage";
import { formatOf, refusalOf } from "./address";
import { prepareHtml } from "./html";
import { prepareImage } from "./image";
import { failed, LoadFailure, type Source } from "./load";
import type { Prepared } from "./prepared";
import { prepareText } from "./text";

const LIMIT_MS = 8_000;
/** A person who turned a page reads it; the page isn't taken away for this long. */
const HANDS_MS = 120_000;

/** The last screenful of a page, however many it has. */
const LAST = Number.POSITIVE_INFINITY;

const NEVER = Number.NEGATIVE_INFINITY;

/** What of the document is on the monitor: the page from 1, and its screenful from 0. */
export type Spot = { page: number; pages: number; step: number; steps: number };
export const NOWHERE: Spot = { page: 0, pages: 0, step: 0, steps: 1 };

type Layer = { element: HTMLElement; prepared: Prepared | null };

export class Viewer {
  /** What of the document is seen, each time that changed; NOWHERE when it was put away. */
  onTurn: (spot: Spot) => void = () => {};
  /** The sheet's document is in place, a frame before `open` resolves. */
  onDrawn: (sheet: Sheet) => void = () => {};

  /** The document that was shown would have led itself to where nothing may be opened. */
  onStrayed: (sheet: Sheet) => void = () => {};

  /** Whose documents may be opened beside the appliance's own; [] for anyone's. */
  hosts: readonly string[] = [];

  private readonly root: HTMLElement;
  private readonly turnMs: number;
  private current: Layer | null = null;
  /** Of the `open` under way, until it has resolved. */
  private opening: AbortController | null = null;
  private page = 0;
  private stayMs = 0;
  /** Since when a page that was turned to is being drawn. */
  private turningSince = NEVER;
  private turnTimer: ReturnType<typeof setTimeout> | undefined;

  /** `turnMs`: how long each of several pages stays before the next comes by itself; 0 for never. */
  constructor(root: HTMLElement, turnMs: number) {
    this.root = root;
    this.turnMs = turnMs;
  }

  /**
   * Resolves when the sheet is drawn and the page is visible. The old document goes first, unless `keep` (the same
   * order once more). `bytes`: a document of another host, fetched by who may. Rejects with a LoadFailure, or with an AbortError when something else took its place.
   */
  async open(sheet: Sheet, keep: boolean, bytes: Blob | null = null): Promise<void> {
    this.cancel();
    if (!keep) this.close();
    const abort = new AbortController();
    const element = document.createElement("div");
    element.className = "sheet";
    element.inert = true;
    const layer: Layer = { element, prepared: null };
    this.opening = abort;
    this.root.append(element);
    try {
      const prepared = await within(prepare(sheet, element, bytes, this.hosts, abort.signal), abort);
      layer.prepared = prepared;
      if (abort.signal.aborted) prepared.dispose();
      abort.signal.throwIfAborted();
      await visible(abort.signal); // a hidden page draws nothing, and must not say that it did
      const page = keep ? Math.min(Math.max(1, this.page), prepared.pages) : 1;
      const step = keep && page === this.page ? (this.current?.prepared?.step ?? 0) : 0;
      await within(prepared.draw(page, step), abort);
      prepared.onStrayed = () => this.onStrayed(sheet);
      this.take(layer, page);
      this.onDrawn(sheet);
      await painted(abort.signal);
      element.querySelector("iframe")?.focus(); // so that the keyboard scrolls what is longer than the monitor
      await visible(abort.signal);
    } catch (error) {
      if (this.current !== layer) dismantle(layer);
      throw error;
    } finally {
      if (this.opening === abort) this.opening = null;
    }
  }

  close(): void {
    this.cancel();
    clearTimeout(this.turnTimer);
    if (this.current) dismantle(this.current);
    this.current = null;
    this.page = 0;
    this.onTurn(NOWHERE);
  }

  /** By hand, one screenful on or back. */
  turn(way: 1 | -1): void {
    const { prepared } = this.current ?? {};
    if (!prepared) return;
    const step = prepared.step + way;
    if (step >= 0 && step < prepared.steps) this.go(this.page, step, HANDS_MS);
    else this.go(this.page + way, way === 1 ? 0 : LAST, HANDS_MS);
  }

  /** By itself: the next screenful, the next page, the beginning again. */
  private turnOn(): void {
    const { prepared } = this.current ?? {};
    if (!prepared) return;
    if (prepared.step + 1 < prepared.steps) this.go(this.page, prepared.step + 1, this.turnMs);
    else this.go(this.page === prepared.pages ? 1 : this.page + 1, 0, this.turnMs);
  }

  private cancel(): void {
    const { opening } = this;
    this.opening = null;
    opening?.abort(new DOMException("Another document", "AbortError"));
  }

  private take(layer: Layer, page: number): void {
    if (this.current) dismantle(this.current);
    this.current = layer;
    this.turningSince = NEVER;
    if (layer.prepared) {
      layer.prepared.onMoved = () => {
        if (this.current === layer) this.turned(this.page, this.stayMs);
      };
    }
    layer.element.inert = false;
    layer.element.classList.add("is-shown");
    this.turned(page, this.turnMs);
  }

  private go(page: number, step: number, stayMs: number): void {
    const { prepared } = this.current ?? {};
    if (!prepared || page < 1 || page > prepared.pages) return;
    if (performance.now() - this.turningSince < LIMIT_MS) return; // one at a time, so that none goes by unseen
    this.turningSince = performance.now();
    const settled = (drawn: boolean): void => {
      if (this.current?.prepared !== prepared) return;
      this.turningSince = NEVER;
      if (drawn) this.turned(page, stayMs);
      else this.stay(page, stayMs); // what can't be drawn is left out
    };
    prepared.draw(page, step).then(
      () => settled(true),
      () => settled(false),
    );
  }

  private turned(page: number, stayMs: number): void {
    const { pages = 0, steps = 1, step = 0 } = this.current?.prepared ?? {};
    this.onTurn({ page, pages, step, steps });
    this.stay(page, stayMs);
  }

  /** From here it goes on after `stayMs`, where it goes on by itself at all. */
  private stay(page: number, stayMs: number): void {
    const { pages = 0, steps = 1 } = this.current?.prepared ?? {};
    this.page = page;
    this.stayMs = stayMs;
    clearTimeout(this.turnTimer);
    if (this.turnMs > 0 && (pages > 1 || steps > 1)) this.turnTimer = setTimeout(() => this.turnOn(), stayMs);
  }
}

async function prepare(
  sheet: Sheet,
  host: HTMLElement,
  bytes: Blob | null,
  hosts: readonly string[],
  signal: AbortSignal,
): Promise<Prepared> {
  const source: Source = { url: sheet.url, bytes };
  const refusal = bytes ? null : refusalOf(sheet.url, location.origin, hosts);
  if (refusal === "DOCUMENT_URL_REFUSED") throw new LoadFailure(refusal, "not an address that may be opened");
  if (refusal) throw new LoadFailure(refusal, "not one of the appliance's documents");
  switch (formatOf(sheet.contentType)) {
    case "pdf": {
      const { preparePdf } = await import("./pdf");
      return preparePdf(source, host, signal);
    }
    case "image":
      return prepareImage(source, sheet.contentType, host, signal);
    case "html":
      return prepareHtml(source, sheet.title, host, signal);
    case "text":
      return prepareText(source, host, signal);
    case null:
      throw new LoadFailure("DOCUMENT_TYPE_UNSUPPORTED", sheet.contentType);
  }
}

function dismantle(layer: Layer): void {
  layer.prepared?.dispose();
  layer.element.remove();
}

/** Ends the work after 8 s, or when the document is put away meanwhile. */
function within<T>(work: Promise<T>, abort: AbortController): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => abort.abort(failed("timed out")), LIMIT_MS);
    const aborted = (): void => reject(abort.signal.reason);
    abort.signal.addEventListener("abort", aborted, { once: true });
    if (abort.signal.aborted) aborted();
    work.then(resolve, reject).finally(() => {
      clearTimeout(timer);
      abort.signal.removeEventListener("abort", aborted);
    });
  });
}

function visible(signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      if (signal.aborted) reject(signal.reason);
      else if (document.visibilityState === "visible") resolve();
      else return;
      document.removeEventListener("visibilitychange", look);
      signal.removeEventListener("abort", look);
    };
    document.addEventListener("visibilitychange", look);
    signal.addEventListener("abort", look);
    look();
  });
}

/** The browser has put a frame with it on the screen. A page hidden in between gets no frame until it is seen again. */
function painted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    requestAnimationFrame(() => requestAnimationFrame(() => resolve()));
  });
}
