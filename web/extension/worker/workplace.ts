/** The PC's monitors: which there are now, which one is for work orders, what is put there that is no work order. */
import { problemOf } from "../../src/lib/errors";
import type { Display } from "../../src/lib/messages";
import { epochNow, type Tested } from "../view";
import { inOrder, isSame, type PlacedDisplay } from "./monitors";
import type { Common } from "./situation";
import type { Windows } from "./windows";

export class Workplace {
  monitors: PlacedDisplay[] = [];
  tested: Tested | null = null;
  private readonly common: Common;
  private readonly windows: Windows;

  constructor(common: Common, windows: Windows) {
    this.common = common;
    this.windows = windows;
  }

  /** Index of the monitor for work orders; before a screen says otherwise the second one, where there is one. */
  get target(): number {
    const { screen } = this.common;
    return screen.place ? screen.target : Math.min(1, this.monitors.length - 1);
  }

  /** The monitors as the appliance hears of them. */
  get displays(): Display[] {
    return this.monitors.map(({ id: _, ...display }) => display);
  }

  async read(): Promise<void> {
    const infos = await chrome.system.display.getInfo();
    const { kept, screen } = this.common;
    this.monitors = inOrder(infos, kept.lasting.get("monitor"), screen.target);
  }

  /** One was plugged in or pulled, moved, or chosen by a person. */
  async reread(): Promise<void> {
    const { screen, situation, log, changed } = this.common;
    const before = this.monitors;
    await this.read();
    if (isSame(before, this.monitors)) return;
    const count = this.monitors.length;
    log.add(`모니터 ${count}대`, count === 1 ? "1 monitor" : `${count} monitors`);
    await this.arrange();
    screen.displays();
    const isBack = this.monitors.some(({ index }) => !before.some((one) => one.index === index));
    if (isBack && screen.pairing && situation.phase.kind !== "different") screen.again();
    else if (situation.phase.kind === "pairing") await this.showOwn();
    changed();
  }

  /** Every window stands on its monitor, and none is left of a monitor that is gone. */
  async arrange(): Promise<void> {
    const { orders } = this.common.screen;
    for (const index of new Set([...orders.indexes(), ...this.windows.frames.indexes])) {
      if (!this.monitors.some((one) => one.index === index)) await orders.leave(index);
    }
    await this.windows.settle(this.monitors);
  }

  async choose(monitor: string): Promise<void> {
    this.common.kept.lasting.set("monitor", monitor);
    await this.reread();
  }

  windowClosed(windowId: number): void {
    const index = this.windows.frames.indexOf(windowId);
    if (index === null) return;
    this.common.screen.orders.closed(index);
    this.common.changed();
  }

  async showOwn(): Promise<void> {
    // With one monitor alone the code stands in the popup: the worker's screen stays the worker's.
    const monitor = this.monitors.length > 1 || this.common.screen.pairing ? this.monitors[this.target] : undefined;
    if (monitor) await this.windows.own(monitor);
  }

  /** Shows a page of the extension's own and says how long that took: the monitor, not the network, is tried. */
  async test(): Promise<void> {
    const { situation, log } = this.common;
    const monitor = this.monitors[this.target];
    if (!monitor) {
      situation.problem = problemOf("DISPLAY_NOT_AVAILABLE", { n: this.monitors.length });
      return;
    }
    const began = epochNow();
    await this.windows.test(monitor);
    const took = Math.round(epochNow() - began);
    this.tested = { index: monitor.index, tookMs: took, at: epochNow() };
    log.add(
      `시험 문서를 ${monitor.index + 1}번 모니터에 표시 (${took} ms)`,
      `Test page shown on monitor ${monitor.index + 1} (${took} ms)`,
    );
  }
}
