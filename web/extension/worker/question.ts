/** A question of a page's that a person has to see: in the toolbar's popup, or where Chrome opens none in one window. */
import { epochNow } from "../view";
import type { Keeper, Passing } from "./kept";

const SCREEN_ID = /^[A-Za-z0-9._-]{1,64}$/;
const TOKEN = /^[A-Za-z0-9._~-]{16,256}$/;
/** So long a page whose question was declined isn't heard. */
const DECLINED_MS = 10_000;
/** A page that asks over and over doesn't take the keyboard each time. */
const FOCUS_MS = 3_000;

/** Whether what a page hands over can be a pairing, or names none. */
export function canBeHanded(screenId: unknown, token: unknown): boolean {
  const fits = (value: unknown, form: RegExp): boolean =>
    value === null || (typeof value === "string" && form.test(value));
  return fits(screenId, SCREEN_ID) && fits(token, TOKEN);
}

export class Question {
  private readonly kept: Keeper<Passing>;
  private readonly declined = new Map<string, number>();
  private opening: Promise<void> | null = null;
  private focusedAt = 0;

  constructor(kept: Keeper<Passing>) {
    this.kept = kept;
  }

  decline(origin: string): void {
    const now = epochNow();
    for (const [one, at] of this.declined) if (now - at >= DECLINED_MS) this.declined.delete(one);
    this.declined.set(origin, now);
  }

  isDeclined(origin: string): boolean {
    return epochNow() - (this.declined.get(origin) ?? 0) < DECLINED_MS;
  }

  show(): Promise<void> {
    this.opening ??= this.open().finally(() => {
      this.opening = null;
    });
    return this.opening;
  }

  /** It was answered: a window of its own that it stood in goes, and gives the keyboard back. */
  async close(): Promise<void> {
    await this.opening; // answered before it stood there
    const id = this.kept.get("question");
    this.kept.set("question", null);
    if (id !== null) await chrome.windows.remove(id).catch(() => {});
  }

  private async open(): Promise<void> {
    if ((await chrome.runtime.getContexts({ contextTypes: ["POPUP"] })).length > 0) return; // it stands there
    const id = this.kept.get("question");
    if (id !== null && (await this.focus(id))) return;
    try {
      await chrome.action.openPopup();
    } catch {
      const url = chrome.runtime.getURL("popup.html");
      const made = await chrome.windows.create({ type: "popup", url, width: 380, height: 620 }).catch(() => null);
      this.kept.set("question", made?.id ?? null);
    }
  }

  /** Answers whether the window is still there. */
  private async focus(id: number): Promise<boolean> {
    const now = epochNow();
    const isTooSoon = now - this.focusedAt < FOCUS_MS;
    if (!isTooSoon) this.focusedAt = now;
    const asked = isTooSoon ? chrome.windows.get(id) : chrome.windows.update(id, { focused: true });
    return asked.then(
      () => true,
      () => false,
    );
  }
}
