/**
 * The extension's full-screen windows outlive its own reload, which every update is: its session is empty then, and they
 * would stand there for good. They are remembered beyond it, and closed by the one that comes after.
 */
import type { Kept } from "./kept";

export class Leftovers {
  private readonly kept: Kept;

  constructor(kept: Kept) {
    this.kept = kept;
  }

  /** Keeps in mind which there are now. */
  remember(): void {
    const { lasting } = this.kept;
    const { now } = this;
    if (JSON.stringify(now) !== JSON.stringify(lasting.get("windows") ?? [])) lasting.set("windows", now);
  }

  /** Closes those of the time before, where this one's session is new. Another window may have got an id of theirs. */
  async close(): Promise<void> {
    const { lasting } = this.kept;
    const before = lasting.get("windows");
    if (this.now.length > 0 || before === null) return;
    lasting.set("windows", null);
    const isOurs = ({ type, state }: chrome.windows.Window): boolean => type === "popup" && state === "fullscreen";
    for (const id of before) {
      const found = await chrome.windows.get(id).catch(() => null);
      if (found && isOurs(found)) await chrome.windows.remove(id).catch(() => {});
    }
  }

  private get now(): number[] {
    const { passing } = this.kept;
    const over = passing.get("over");
    return [...Object.values(passing.get("windows") ?? {}), ...(over === null ? [] : [over])];
  }
}
