/**
 * One full-screen window a monitor, used again for each document. What it claims to show is looked at before it is said:
 * where the window is, that it is full screen, and which address stands in it.
 */
import type { Bounds } from "../../src/lib/messages";
import { epochNow } from "../view";
import { isSamePage } from "./address";
import type { Keeper, Passing } from "./kept";
import { Keyboard } from "./keyboard";
import { type Load, LoadFailure, type Loads, Overtaken } from "./loads";
import type { PlacedDisplay } from "./monitors";

export type Evidence = { display: { index: number; name?: string; bounds: Bounds }; windowId: string; url: string };

type Opened = { windowId: number; tabId: number };

export type DocumentOptions = {
  /** What stands there stays until the new one is there: the same order once more. */
  keep: boolean;
  /** Whether an address that the document leads on to may be opened. */
  mayLead(url: string): boolean;
};

/** A window's frame may reach a little over the edges, and a scaled monitor rounds. */
const SLACK = 16;
const SETTLE_MS = 2_000;
const LOOK_MS = 25;
const OWN_PAGE_MS = 1_000;
/** How long an old document may still stand there after the new one was scanned. */
const GONE_MS = 150;
const TEST_MS = 8_000;

/** The extension's own page on a monitor; what it says comes from the worker. */
export function ownPage(index: number): string {
  return chrome.runtime.getURL(`screen.html?display=${index}`);
}

export class Windows {
  private readonly kept: Keeper<Passing>;
  private readonly loads: Loads;
  /** What is being done with each monitor's window: one thing after the other. */
  private readonly turns = new Map<number, Promise<unknown>>();
  /** Grows with each call for a monitor: an earlier one finds another number and stops. */
  private readonly calls = new Map<number, number>();
  private readonly tabs = new Map<number, number>();

  constructor(kept: Keeper<Passing>, loads: Loads) {
    this.kept = kept;
    this.loads = loads;
  }

  /**
   * Shows `url` on the monitor, what stood there put away first unless `keep`. Resolves with the proof; rejects with a
   * LoadFailure, or with Overtaken by a newer call.
   */
  document(monitor: PlacedDisplay, url: string, options: DocumentOptions): Promise<Evidence> {
    const mine = (this.calls.get(monitor.index) ?? 0) + 1;
    this.calls.set(monitor.index, mine);
    const tabId = this.tabs.get(monitor.index);
    if (tabId !== undefined) this.loads.drop(tabId);
    return this.inTurn(monitor.index, async () => {
      const goOn = (): void => {
        if (this.calls.get(monitor.index) !== mine) throw new Overtaken();
      };
      goOn();
      const opened = await this.open(monitor);
      const { url: before = "" } = await chrome.tabs.get(opened.tabId);
      let load = await this.go(opened, before, url, options);
      const isStale = !options.keep && before !== ownPage(monitor.index);
      if (isStale && !(await isWithin(GONE_MS, load.committed))) {
        // The new one takes its time, and nobody may work from the old one meanwhile.
        goOn();
        await this.clear(monitor, opened);
        goOn();
        load = await this.go(opened, ownPage(monitor.index), url, options);
      }
      return this.proof(monitor, opened, await load.loaded);
    });
  }

  private async go({ tabId }: Opened, before: string, url: string, options: DocumentOptions): Promise<Load> {
    const load = this.loads.watch(tabId, url, options.mayLead);
    // To the very address that is there a browser only scrolls.
    if (isSamePage(before, url)) await chrome.tabs.reload(tabId);
    else await chrome.tabs.update(tabId, { url });
    return load;
  }

  /** Puts the extension's own page on the monitor: nothing of a document is left there. Makes no window unless `make`. */
  async own(monitor: PlacedDisplay, make: boolean): Promise<void> {
    this.calls.set(monitor.index, (this.calls.get(monitor.index) ?? 0) + 1);
    const tabId = this.tabs.get(monitor.index);
    if (tabId !== undefined) this.loads.drop(tabId);
    await this.inTurn(monitor.index, async () => {
      if (!make && !(await this.find(monitor.index))) return;
      await this.clear(monitor, await this.open(monitor));
    });
  }

  private async clear(monitor: PlacedDisplay, { tabId }: Opened): Promise<void> {
    const page = ownPage(monitor.index);
    const { url = "", pendingUrl = "" } = await chrome.tabs.get(tabId);
    if ((pendingUrl || url) === page) return;
    const { committed } = this.loads.watch(tabId, page);
    await chrome.tabs.update(tabId, { url: page });
    await isWithin(OWN_PAGE_MS, committed);
  }

  /** Whether the monitor's window shows this address and nothing else. */
  async shows(monitor: PlacedDisplay, url: string): Promise<Evidence | null> {
    const opened = await this.find(monitor.index);
    return opened ? this.proof(monitor, opened, url).catch(() => null) : null;
  }

  /** The extension's page in the monitor's window, waited for until it stands there. */
  async test(monitor: PlacedDisplay): Promise<void> {
    await this.over(monitor, TEST_MS, "test");
  }

  /** Lays the extension's page over what stands on the monitor, which is there again afterwards just as it was. */
  async over(monitor: PlacedDisplay, ms: number, what: "identify" | "test" = "identify"): Promise<void> {
    const { left, top, width, height } = monitor.bounds;
    const url = `${ownPage(monitor.index)}&over=${what}`;
    const keyboard = await Keyboard.now();
    const made = await chrome.windows.create({ type: "popup", url, focused: false, left, top, width, height });
    if (made?.id === undefined) return;
    const { id } = made;
    await chrome.windows.update(id, { state: "fullscreen" }).catch(() => {});
    await keyboard.keepFrom(id);
    setTimeout(() => void chrome.windows.remove(id).catch(() => {}), ms);
  }

  /** Closes windows whose monitor is gone: the system would have moved them over somebody's work. */
  async keepOnly(indexes: ReadonlySet<number>): Promise<void> {
    for (const index of Object.keys(this.ids).map(Number)) if (!indexes.has(index)) await this.close(index);
  }

  async close(index: number): Promise<void> {
    const { [index]: windowId, ...rest } = this.ids;
    this.kept.set("windows", rest);
    if (windowId !== undefined) await chrome.windows.remove(windowId).catch(() => {});
  }

  /** Puts every window back where its monitor is now. */
  async settle(monitors: readonly PlacedDisplay[]): Promise<void> {
    for (const monitor of monitors) {
      const opened = await this.find(monitor.index);
      if (opened) await this.inTurn(monitor.index, () => this.place(opened.windowId, monitor));
    }
  }

  private get ids(): Record<number, number> {
    return this.kept.get("windows") ?? {};
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

  private async find(index: number): Promise<Opened | null> {
    const windowId = this.ids[index];
    if (windowId === undefined) return null;
    const found = await chrome.windows.get(windowId, { populate: true }).catch(() => null);
    const tabId = found?.tabs?.[0]?.id;
    if (tabId === undefined) return null;
    this.tabs.set(index, tabId);
    return { windowId, tabId };
  }

  private async open(monitor: PlacedDisplay): Promise<Opened> {
    const opened = (await this.find(monitor.index)) ?? (await this.make(monitor));
    await this.place(opened.windowId, monitor);
    return opened;
  }

  private async make(monitor: PlacedDisplay): Promise<Opened> {
    const keyboard = await Keyboard.now();
    const { left, top, width, height } = monitor.bounds;
    const made = await chrome.windows
      .create({ type: "popup", url: ownPage(monitor.index), focused: false, left, top, width, height })
      .catch((error: unknown) => {
        throw new LoadFailure("DISPLAY_NOT_AVAILABLE", String(error));
      });
    const tabId = made?.tabs?.[0]?.id;
    if (made?.id === undefined || tabId === undefined) throw new LoadFailure("CLIENT_FAILED", "no window came");
    this.kept.set("windows", { ...this.ids, [monitor.index]: made.id });
    this.tabs.set(monitor.index, tabId);
    await keyboard.keepFrom(made.id);
    await this.place(made.id, monitor);
    return { windowId: made.id, tabId };
  }

  /** State and bounds in one call are refused, and a full-screen window doesn't move. */
  private async place(windowId: number, monitor: PlacedDisplay): Promise<void> {
    const now = await chrome.windows.get(windowId);
    const isThere = isOn(now, monitor.bounds);
    if (isThere && now.state === "fullscreen") return;
    const keyboard = await Keyboard.now();
    if (!isThere) {
      if (now.state !== "normal") await chrome.windows.update(windowId, { state: "normal" });
      const { left, top, width, height } = monitor.bounds;
      await chrome.windows.update(windowId, { left, top, width, height });
    }
    await chrome.windows.update(windowId, { state: "fullscreen" });
    await keyboard.keepFrom(windowId);
  }

  private async proof(monitor: PlacedDisplay, { windowId }: Opened, url: string): Promise<Evidence> {
    const end = epochNow() + SETTLE_MS;
    for (;;) {
      const found = await chrome.windows.get(windowId, { populate: true }).catch(() => null);
      if (!found) throw new LoadFailure("CLIENT_FAILED", "its window was closed");
      const at = found.tabs?.[0]?.url ?? "";
      const isPlaced = found.state === "fullscreen" && isOn(found, monitor.bounds);
      if (isPlaced && isSamePage(at, url)) {
        const { index, name } = monitor;
        return { display: { index, name, bounds: boundsOf(found) }, windowId: String(windowId), url };
      }
      if (epochNow() >= end) {
        if (isPlaced)
          throw new LoadFailure(
            "DOCUMENT_LOAD_FAILED",
            at === "" ? "nothing stands in the window" : `it led to ${origin(at)}`,
          );
        throw new LoadFailure("DISPLAY_NOT_AVAILABLE", `the window is ${found.state} at ${found.left},${found.top}`);
      }
      await new Promise((done) => setTimeout(done, LOOK_MS));
    }
  }
}

async function isWithin(ms: number, promise: Promise<void>): Promise<boolean> {
  return Promise.race([promise.then(() => true), new Promise<false>((done) => setTimeout(done, ms, false))]);
}

/** Of an address its origin only: what comes behind it may be somebody's secret. */
function origin(url: string): string {
  try {
    return new URL(url).origin;
  } catch {
    return "nowhere";
  }
}

function boundsOf({ left = 0, top = 0, width = 0, height = 0 }: chrome.windows.Window): Bounds {
  return { left, top, width, height };
}

/** Whether a window covers the monitor, but for its frame's width. */
export function isOn(window: chrome.windows.Window, bounds: Bounds): boolean {
  const { left, top, width, height } = boundsOf(window);
  return (
    Math.abs(left - bounds.left) <= SLACK &&
    Math.abs(top - bounds.top) <= SLACK &&
    Math.abs(width - bounds.width) <= 2 * SLACK &&
    Math.abs(height - bounds.height) <= 2 * SLACK
  );
}
