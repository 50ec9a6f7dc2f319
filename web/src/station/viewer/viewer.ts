/** The one document on the monitor: opens it, says honestly when it is shown, turns its pages, puts it away. */
import type { Sheet } from "../stage";
import { formatOf, refusalOf } from "./address";
import { prepareHtml } from "./html";
import { prepareImage } from "./image";
import { failed, LoadFailure } from "./load";
import type { Prepared } from "./prepared";
import { prepareText } from "./text";

const LIMIT_MS = 8_000;
/** A person who turned a page reads it; the page isn't taken away for this long. */
const HANDS_MS = 120_000;

type Layer = { element: HTMLElement; prepared: Prepared | null };

export class Viewer {
  /** Page and number of pages, each time one was drawn; (0, 0) when the document was put away. */
  onPage: (page: number, pages: number) => void = () => {};
  /** The sheet's document is in place, a frame before `open` resolves. */
  onDrawn: (sheet: Sheet) => void = () => {};

  private readonly root: HTMLElement;
  private readonly turnMs: number;
  private current: Layer | null = null;
  /** Of the `open` under way, until it has resolved. */
  private opening: AbortController | null = null;
  private page = 0;
  private turnTimer: ReturnType<typeof setTimeout> | undefined;

  /** `turnMs`: how long each of several pages stays before the next comes by itself; 0 for never. */
  constructor(root: HTMLElement, turnMs: number) {
    this.root = root;
    this.turnMs = turnMs;
  }

  /**
   * Resolves when the sheet is drawn and the page is visible. The old document goes first, unless `keep` (the same
   * order once more). Rejects with a LoadFailure, or with an AbortError when something else took its place.
   */
  async open(sheet: Sheet, keep: boolean): Promise<void> {
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
      const prepared = await within(prepare(sheet, element, abort.signal), abort);
      layer.prepared = prepared;
      if (abort.signal.aborted) prepared.dispose();
      abort.signal.throwIfAborted();
      await visible(abort.signal); // a hidden page draws nothing, and must not say that it did
      const page = keep ? Math.min(Math.max(1, this.page), prepared.pages) : 1;
      await within(prepared.draw(page), abort);
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
    this.onPage(0, 0);
  }

  /** By hand, one page on or back. */
  turn(step: 1 | -1): void {
    this.go(this.page + step, HANDS_MS);
  }

  private cancel(): void {
    const { opening } = this;
    this.opening = null;
    opening?.abort(new DOMException("Another document", "AbortError"));
  }

  private take(layer: Layer, page: number): void {
    if (this.current) dismantle(this.current);
    this.current = layer;
    layer.element.inert = false;
    layer.element.classList.add("is-shown");
    this.turned(page, this.turnMs);
  }

  private go(page: number, stayMs: number): void {
    const { prepared } = this.current ?? {};
    if (!prepared || page < 1 || page > prepared.pages || page === this.page) return;
    this.page = page;
    prepared.draw(page).then(
      () => {
        if (this.current?.prepared === prepared && this.page === page) this.turned(page, stayMs);
      },
      () => {}, // turned on before it was drawn, or a page that can't be drawn: the one before stays
    );
  }

  private turned(page: number, stayMs: number): void {
    const pages = this.current?.prepared?.pages ?? 0;
    this.page = page;
    this.onPage(page, pages);
    clearTimeout(this.turnTimer);
    if (this.turnMs > 0 && pages > 1) {
      this.turnTimer = setTimeout(() => this.go(page === pages ? 1 : page + 1, this.turnMs), stayMs);
    }
  }
}

async function prepare(sheet: Sheet, host: HTMLElement, signal: AbortSignal): Promise<Prepared> {
  const refusal = refusalOf(sheet.url, location.origin);
  if (refusal === "DOCUMENT_URL_REFUSED") throw new LoadFailure(refusal, "not http");
  if (refusal) throw new LoadFailure(refusal, "not one of the appliance's documents");
  switch (formatOf(sheet.contentType)) {
    case "pdf": {
      const { preparePdf } = await import("./pdf");
      return preparePdf(sheet.url, host, signal);
    }
    case "image":
      return prepareImage(sheet.url, sheet.contentType, host, signal);
    case "html":
      return prepareHtml(sheet.url, sheet.title, host, signal);
    case "text":
      return prepareText(sheet.url, host, signal);
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
