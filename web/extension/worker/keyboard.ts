/**
 * Whoever scans types into a window on the main monitor, and must be able to go on: some window managers hand the
 * keyboard to a window that is made or becomes full screen, though nobody asked for it. Then it is given back.
 */
import { epochNow } from "../view";

/** They do it when they get round to it, not while the call is answered. */
const WATCHED_MS = 1_500;
/** How soon after the keyboard came back a young Chromium on X11 may forget that it did: 100 to 165 ms were seen. */
const FORGOTTEN_MS = 400;

export class Keyboard {
  private readonly holder: number | null;

  private constructor(holder: number | null) {
    this.holder = holder;
  }

  /** The window that has the keyboard now. Where none has, as while the popup is open, the browser's latest one. */
  static async now(): Promise<Keyboard> {
    const focused = (await chrome.windows.getAll()).find((one) => one.focused);
    if (focused?.id !== undefined) return new Keyboard(focused.id);
    const latest = await chrome.windows.getLastFocused({ windowTypes: ["normal"] }).catch(() => null);
    return new Keyboard(latest?.id ?? null);
  }

  /**
   * Gives it back should `windowId` have got it, or get it in a moment. The browser may then say once that none of its
   * windows has it, while the system sends the keys there all the same and nobody hears them: it is told again. Whoever
   * goes to another program later than that, or a second time, goes.
   */
  async keepFrom(windowId: number): Promise<void> {
    const { holder } = this;
    if (holder === null || holder === windowId) return;
    let forgettable = 0; // until when, in ms since the epoch
    const giveBack = (focused: number): void => {
      const isTaken = focused === windowId;
      const isForgotten = focused === chrome.windows.WINDOW_ID_NONE && epochNow() < forgettable;
      if (!isTaken && !isForgotten) return;
      forgettable = isTaken ? epochNow() + FORGOTTEN_MS : 0;
      void chrome.windows.update(holder, { focused: true }).catch(() => {});
    };
    chrome.windows.onFocusChanged.addListener(giveBack);
    setTimeout(() => chrome.windows.onFocusChanged.removeListener(giveBack), WATCHED_MS);
    const now = await chrome.windows.get(windowId).catch(() => null);
    if (now?.focused) giveBack(windowId);
  }
}
