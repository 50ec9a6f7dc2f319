/**
 * One full-screen window a monitor, used again for each document. What it claims to show is looked at before it is said:
 * where the window is, that it is full screen, and which address stands in it.
 */
import type { Bounds } from "../../src/lib/messages";
import { pause } from "../../src/lib/pause";
import type { Sheet } from "../../src/station/stage";
import { LoadFailure } from "../../src/station/viewer/load";
import { epochNow } from "../view";
import { isSamePage, originOf } from "./address";
import { boundsOf, type Frame, Frames, ownPage } from "./frames";
import type { Keeper, Passing } from "./kept";
import { Keyboard } from "./keyboard";
import { Drawable, LOAD_MS, type Load, type Loads, Overtaken } from "./loads";
import type { PlacedDisplay } from "./monitors";
import { Declined, isDrawn, type Papers, typeByName } from "./papers";

export type Evidence = { display: { index: number; name?: string; bounds: Bounds }; windowId: string; url: string };

/** `isDrawn`: the extension's own page shows it, and the address doesn't stand in the tab. */
export type ShownEvidence = Evidence & { isDrawn: boolean };

export type DocumentOptions = {
  /** What stands there stays until the new one is there: the same order once more. */
  keep: boolean;
  /** Whether an address that the document leads on to may be opened. */
  mayLead(url: string): boolean;
  /** Whether the appliance serves it. */
  isOwn: boolean;
};

type Work = { url: string; contentType: string; shown: Promise<ShownEvidence> };

/** `goOn` throws Overtaken once something else was asked of the monitor; `end` in ms since the epoch. */
type Turn = DocumentOptions & { end: number; goOn(): void };

const OWN_PAGE_MS = 1_000;
/** How long an old document may still stand there after the new one was scanned: a new one that comes later is loaded twice. */
const GONE_MS = 300;
const TEST_MS = 8_000;

export class Windows {
  readonly frames: Frames;

  private readonly kept: Keeper<Passing>;
  private readonly loads: Loads;
  private readonly papers: Papers;
  /** What is being done with each monitor's window: one thing after the other. */
  private readonly turns = new Map<number, Promise<unknown>>();
  /** The document under way on each monitor. */
  private readonly works = new Map<number, Work>();
  /** Who asked last for a document on each monitor: whoever asked before finds another there. */
  private readonly calls = new Map<number, object>();

  constructor(kept: Keeper<Passing>, loads: Loads, papers: Papers) {
    this.kept = kept;
    this.frames = new Frames(kept);
    this.loads = loads;
    this.papers = papers;
  }

  /**
   * Shows the document on the monitor, what stood there put away first unless `keep`. Resolves with the proof; rejects
   * with a LoadFailure, or with Overtaken by a newer call.
   */
  async document(monitor: PlacedDisplay, sheet: Sheet, options: DocumentOptions): Promise<ShownEvidence> {
    const { index } = monitor;
    const mine = {};
    this.calls.set(index, mine);
    const { url, contentType } = sheet;
    const under = this.works.get(index);
    // Whoever scans again because it takes long isn't made to wait from the beginning; browsers refuse to, too.
    const isUnderWay = under?.url === url && under.contentType === contentType;
    const shown = isUnderWay ? under.shown : this.begin(monitor, sheet, options);
    await shown.catch(() => {}); // what became of it is nobody's who was overtaken meanwhile
    if (this.calls.get(index) !== mine) throw new Overtaken();
    return shown;
  }

  private begin(monitor: PlacedDisplay, sheet: Sheet, options: DocumentOptions): Promise<ShownEvidence> {
    const { index } = monitor;
    const before = this.papers.all[index]?.sheet;
    this.overtake(index);
    if (!options.keep) this.papers.away(index);
    const turn: Turn = {
      ...options,
      end: epochNow() + LOAD_MS,
      goOn: () => {
        if (this.works.get(index) !== work) throw new Overtaken();
      },
    };
    // Of an address that only says as it answers what it is, the same order once more tells it before; so may its name.
    const known = options.keep && before?.url === sheet.url ? before.contentType : sheet.contentType;
    const contentType = isDrawn(known, options.isOwn) ? known : (typeByName(sheet.url) ?? known);
    // The page draws while its window is looked after.
    const drawing = isDrawn(contentType, options.isOwn) ? this.draw(index, { ...sheet, contentType }, turn) : null;
    const shown = this.inTurn(index, async () => {
      turn.goOn();
      await this.uncover();
      const opened = await this.frames.open(monitor);
      try {
        if (drawing) return await this.drawn(monitor, opened, sheet.url, turn, drawing);
      } catch (error) {
        if (!(error instanceof Declined)) throw error;
      }
      return this.strange(monitor, opened, sheet, turn);
    });
    const work: Work = { url: sheet.url, contentType: sheet.contentType, shown };
    this.works.set(index, work);
    const end = (): void => {
      if (this.works.get(index) === work) this.works.delete(index);
    };
    shown.then(end, end);
    return shown;
  }

  /** Of another host: by the tab, or drawn where its answer is no page. */
  private async strange(monitor: PlacedDisplay, opened: Frame, sheet: Sheet, turn: Turn): Promise<ShownEvidence> {
    try {
      return await this.loaded(monitor, opened, sheet.url, turn);
    } catch (error) {
      if (!(error instanceof Drawable)) throw error;
      turn.goOn();
      const { url, contentType } = error;
      const drawing = this.draw(monitor.index, { ...sheet, url, contentType }, turn);
      return this.drawn(monitor, await this.frames.open(monitor), url, turn, drawing);
    }
  }

  private draw(index: number, sheet: Sheet, { keep, end }: Turn): Promise<void> {
    const drawing = this.papers.draw(index, sheet, keep, end - epochNow());
    drawing.catch(() => {}); // heard of where it is waited for
    return drawing;
  }

  /** By the extension's own page, `drawing` under way there. */
  private async drawn(
    monitor: PlacedDisplay,
    opened: Frame,
    url: string,
    turn: Turn,
    drawing: Promise<void>,
  ): Promise<ShownEvidence> {
    const there = await this.clear(monitor, opened);
    turn.goOn();
    await drawing;
    await this.uncover(); // what says which monitor this is may have been laid over it meanwhile
    const proof = await this.proof(monitor, there, ownPage(monitor.index));
    return { ...proof, url, isDrawn: true };
  }

  /** By the tab itself. */
  private async loaded(monitor: PlacedDisplay, found: Frame, url: string, turn: Turn): Promise<ShownEvidence> {
    let opened = found;
    const { url: before = "" } = await chrome.tabs.get(opened.tabId);
    // To another part of the page that is there a browser only scrolls, and to the very same address not even that.
    const isPart = before !== url && isSamePage(before, url);
    if (isPart) opened = await this.clear(monitor, opened);
    const go = async (how: "update" | "reload"): Promise<Load> => {
      turn.goOn();
      const options = { mayLead: turn.mayLead, isDrawn: isDrawnStranger, patience: turn.end - epochNow() };
      const load = this.loads.watch(opened.tabId, url, options);
      await (how === "update" ? chrome.tabs.update(opened.tabId, { url }) : chrome.tabs.reload(opened.tabId));
      return load;
    };
    let load = await go(before === url ? "reload" : "update");
    const isStale = !turn.keep && !isPart && before.startsWith("http");
    if (isStale && !(await isWithin(GONE_MS, load.committed))) {
      // The new one takes its time, and nobody may work from the old one meanwhile.
      turn.goOn();
      opened = await this.clear(monitor, opened);
      load = await go("update");
    }
    const at = await load.loaded;
    this.papers.away(monitor.index);
    await this.uncover();
    return { ...(await this.proof(monitor, opened, at)), isDrawn: false };
  }

  /** Puts the extension's own page on the monitor: nothing of a document is left there. */
  async own(monitor: PlacedDisplay): Promise<void> {
    this.calls.delete(monitor.index);
    this.overtake(monitor.index);
    this.papers.away(monitor.index);
    await this.inTurn(monitor.index, async () => {
      await this.clear(monitor, await this.frames.open(monitor));
    });
  }

  /** Whatever was asked of a monitor before goes no further. */
  private overtake(index: number): void {
    this.works.delete(index);
    const tabId = this.frames.tabOf(index);
    if (tabId !== null) this.loads.drop(tabId);
    this.papers.overtake(index);
  }

  /** The extension's own page, as it is where it stands already. */
  private async clear(monitor: PlacedDisplay, opened: Frame): Promise<Frame> {
    const page = ownPage(monitor.index);
    const { url = "", pendingUrl = "" } = await chrome.tabs.get(opened.tabId);
    if ((pendingUrl || url) === page) return opened;
    const { committed } = this.loads.watch(opened.tabId, page);
    await chrome.tabs.update(opened.tabId, { url: page });
    if (await isWithin(OWN_PAGE_MS, committed)) return opened;
    // A document that asks and asks keeps its window for itself.
    await this.frames.close(monitor.index);
    return this.frames.make(monitor);
  }

  /** From now on hears where the page in the monitor's tab leads itself. Answers whether it stands where it may. */
  async guard(index: number, mayLead: (url: string) => boolean): Promise<boolean> {
    const found = await this.frames.find(index);
    if (!found) return true;
    this.loads.settle(found.tabId, mayLead);
    const { url = "", pendingUrl = "" } = await chrome.tabs.get(found.tabId);
    return [url, pendingUrl].every((at) => !at.startsWith("http") || mayLead(at));
  }

  /** Whether the monitor's tab shows this address and nothing else. */
  async shows(monitor: PlacedDisplay, url: string): Promise<Evidence | null> {
    const opened = await this.frames.find(monitor.index);
    return opened ? this.proof(monitor, opened, url).catch(() => null) : null;
  }

  /** Says on the monitor which one it is. Rejects with a LoadFailure where it doesn't stand there. */
  async test(monitor: PlacedDisplay): Promise<void> {
    const windowId = await this.over(monitor, TEST_MS, "test");
    if (windowId !== null) await this.frames.placed(monitor, windowId);
  }

  /**
   * Lays the extension's page over what stands on the monitor, which is there again afterwards just as it was. The page
   * takes itself away, because the worker may be ended meanwhile.
   */
  async over(monitor: PlacedDisplay, ms: number, what: "identify" | "test" = "identify"): Promise<number | null> {
    await this.uncover();
    const { left, top, width, height } = monitor.bounds;
    const url = `${ownPage(monitor.index)}&over=${what}&ms=${Math.round(ms)}`;
    const keyboard = await Keyboard.now();
    const made = await chrome.windows.create({ type: "popup", url, focused: false, left, top, width, height });
    if (made?.id === undefined) return null;
    this.kept.set("over", made.id);
    await chrome.windows.update(made.id, { state: "fullscreen" }).catch(() => {});
    await keyboard.keepFrom(made.id);
    return made.id;
  }

  /** Nothing lies over what the monitors show. */
  async uncover(): Promise<void> {
    const windowId = this.kept.get("over");
    if (windowId === null) return;
    this.kept.set("over", null);
    await chrome.windows.remove(windowId).catch(() => {});
  }

  /** The system would move the window of a monitor that is gone over somebody's work. */
  async close(index: number): Promise<void> {
    this.calls.delete(index);
    this.overtake(index);
    this.papers.away(index);
    await this.inTurn(index, () => this.frames.close(index));
  }

  /** A window was closed by hand: there is nothing for it to draw. */
  forget(index: number): void {
    this.papers.away(index);
    this.frames.forget(index);
  }

  /** Puts every window back where its monitor is now. */
  async settle(monitors: readonly PlacedDisplay[]): Promise<void> {
    for (const monitor of monitors) {
      const opened = await this.frames.find(monitor.index);
      if (opened) await this.inTurn(monitor.index, () => this.frames.place(opened.windowId, monitor));
    }
  }

  private inTurn<T>(index: number, work: () => Promise<T>): Promise<T> {
    const before = this.turns.get(index) ?? Promise.resolve();
    const mine = before.then(work, work);
    this.turns.set(
      index,
      mine.catch(() => {}),
    );
    return mine;
  }

  private async proof(monitor: PlacedDisplay, { windowId }: Frame, url: string): Promise<Evidence> {
    const found = await this.frames.placed(monitor, windowId);
    const at = found.tabs?.[0]?.url ?? "";
    if (!isSamePage(at, url) || (hashOf(url) !== "" && hashOf(at) !== hashOf(url))) {
      const what = at === "" ? "nothing stands in the window" : `it led to ${originOf(at) ?? "nowhere"}`;
      throw new LoadFailure("DOCUMENT_LOAD_FAILED", what);
    }
    const { index, name } = monitor;
    return { display: { index, name, bounds: boundsOf(found) }, windowId: String(windowId), url: at };
  }
}

function isDrawnStranger(contentType: string): boolean {
  return isDrawn(contentType, false);
}

async function isWithin(ms: number, promise: Promise<void>): Promise<boolean> {
  return Promise.race([promise.then(() => true), pause(ms).then(() => false)]);
}

function hashOf(url: string): string {
  return URL.canParse(url) ? new URL(url).hash : "";
}
