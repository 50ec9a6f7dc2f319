/** The windows themselves, one a monitor: made, found again after a worker's rest, kept where their monitor is. */
import type { Bounds } from "../../src/lib/messages";
import { pause } from "../../src/lib/pause";
import { LoadFailure } from "../../src/station/viewer/load";
import { epochNow } from "../view";
import type { Keeper, Passing } from "./kept";
import { Keyboard } from "./keyboard";
import type { PlacedDisplay } from "./monitors";

export type Frame = { windowId: number; tabId: number };

/** A window's frame may reach a little over the edges, and a scaled monitor rounds. */
const SLACK = 16;
const SETTLE_MS = 2_000;
const LOOK_MS = 25;

/** The extension's own page on a monitor; what it says comes from the worker. */
export function ownPage(index: number): string {
  return chrome.runtime.getURL(`screen.html?display=${index}`);
}

export class Frames {
  private readonly kept: Keeper<Passing>;
  private readonly tabs = new Map<number, number>();

  constructor(kept: Keeper<Passing>) {
    this.kept = kept;
  }

  get indexes(): number[] {
    return Object.keys(this.ids).map(Number);
  }

  /** Which monitor a window of ours is on; null for others. */
  indexOf(windowId: number): number | null {
    const found = Object.entries(this.ids).find(([, id]) => id === windowId);
    return found ? Number(found[0]) : null;
  }

  tabOf(index: number): number | null {
    return this.tabs.get(index) ?? null;
  }

  /** Which monitor a tab of ours is on; null for others. */
  indexOfTab(tabId: number): number | null {
    return [...this.tabs].find(([, id]) => id === tabId)?.[0] ?? null;
  }

  async close(index: number): Promise<void> {
    const windowId = this.ids[index];
    this.forget(index);
    if (windowId !== undefined) await chrome.windows.remove(windowId).catch(() => {});
  }

  /** There is no window on this monitor any more. */
  forget(index: number): void {
    const { [index]: _, ...rest } = this.ids;
    this.kept.set("windows", rest);
  }

  async find(index: number): Promise<Frame | null> {
    const windowId = this.ids[index];
    if (windowId === undefined) return null;
    const found = await chrome.windows.get(windowId, { populate: true }).catch(() => null);
    const tabId = found?.tabs?.[0]?.id;
    if (tabId === undefined) return null;
    this.tabs.set(index, tabId);
    return { windowId, tabId };
  }

  async open(monitor: PlacedDisplay): Promise<Frame> {
    const frame = (await this.find(monitor.index)) ?? (await this.make(monitor));
    await this.place(frame.windowId, monitor);
    return frame;
  }

  async make(monitor: PlacedDisplay): Promise<Frame> {
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
  async place(windowId: number, monitor: PlacedDisplay): Promise<void> {
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

  /** The window, once it covers its monitor. Somebody or something may have taken it out of full screen. */
  async placed(monitor: PlacedDisplay, windowId: number): Promise<chrome.windows.Window> {
    const end = epochNow() + SETTLE_MS;
    let isPlacedAgain = false;
    for (;;) {
      const found = await chrome.windows.get(windowId, { populate: true }).catch(() => null);
      if (!found) throw new LoadFailure("CLIENT_FAILED", "its window was closed");
      if (found.state === "fullscreen" && isOn(found, monitor.bounds)) return found;
      if (epochNow() >= end) {
        const isThere = (await chrome.system.display.getInfo()).some(({ id }) => id === monitor.id);
        const code = isThere ? "CLIENT_FAILED" : "DISPLAY_NOT_AVAILABLE";
        throw new LoadFailure(code, `the window is ${found.state} at ${found.left},${found.top}`);
      }
      await pause(LOOK_MS);
      if (!isPlacedAgain && epochNow() >= end - SETTLE_MS / 2) {
        isPlacedAgain = true;
        await this.place(windowId, monitor).catch(() => {});
      }
    }
  }

  private get ids(): Record<number, number> {
    return this.kept.get("windows") ?? {};
  }
}

export function boundsOf({ left = 0, top = 0, width = 0, height = 0 }: chrome.windows.Window): Bounds {
  return { left, top, width, height };
}

/** Whether a window covers the monitor, but for its frame's width. */
function isOn(window: chrome.windows.Window, bounds: Bounds): boolean {
  const { left, top, width, height } = boundsOf(window);
  return (
    Math.abs(left - bounds.left) <= SLACK &&
    Math.abs(top - bounds.top) <= SLACK &&
    Math.abs(width - bounds.width) <= 2 * SLACK &&
    Math.abs(height - bounds.height) <= 2 * SLACK
  );
}
