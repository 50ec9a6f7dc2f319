/**
 * Whoever scans types into a window on the main monitor, and must be able to go on: some window managers hand the
 * keyboard to a window that is made or becomes full screen, though nobody asked for it. Then it is given back.
 */

/** They do it when they get round to it, not while the call is answered. */
const WATCHED_MS = 1_500;

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

  /** Gives it back should `windowId` have got it, or get it in a moment. */
  async keepFrom(windowId: number): Promise<void> {
    const { holder } = this;
    if (holder === null || holder === windowId) return;
    const giveBack = (focused: number): void => {
      if (focused === windowId) void chrome.windows.update(holder, { focused: true }).catch(() => {});
    };
    chrome.windows.onFocusChanged.addListener(giveBack);
    setTimeout(() => chrome.windows.onFocusChanged.removeListener(giveBack), WATCHED_MS);
    const now = await chrome.windows.get(windowId).catch(() => null);
    if (now?.focused) giveBack(windowId);
  }
}
