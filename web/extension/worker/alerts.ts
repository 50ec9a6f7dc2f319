/** What people are told on the main monitor: a notification in the catalogue's words, the icon's badge, no sleep. */
import { type Problem, problemOf } from "../../src/lib/errors";
import { pick, t } from "../../src/lib/i18n";
import type { Keeper, Passing } from "./kept";

const LOST = "vooster-lost";
const PROBLEM = "vooster-problem";
const FOUND = "vooster-found";
const MONITOR = "vooster-monitor";
const ALERT = "#c5221f";
const CALL = "#2340c9";

export class Alerts {
  private isMonitorSaid = false;
  private readonly kept: Keeper<Passing>;

  constructor(kept: Keeper<Passing>) {
    this.kept = kept;
  }

  /** A document that could not be shown, or a scan that was refused. */
  problem(name: string, problem: Problem): void {
    const title = name ? `${name} · ${pick(problem.message)}` : pick(problem.message);
    void this.say(PROBLEM, title, `${pick(problem.action)}\n${problem.code}`);
  }

  /** The monitor that work orders go to isn't there, of so many. Said once, until it is back. */
  monitor(isMissing: boolean, count: number): void {
    if (isMissing === this.isMonitorSaid) return;
    this.isMonitorSaid = isMissing;
    if (!isMissing) {
      void chrome.notifications.clear(MONITOR).catch(() => {});
      return;
    }
    const { message, action } = problemOf("DISPLAY_NOT_AVAILABLE", { n: count });
    void this.say(MONITOR, pick(message), pick(action), () => this.isMonitorSaid);
  }

  /** The appliance has been away for a while. Said once, until it is back. */
  lost(problem: Problem): void {
    if (this.isLostSaid) return;
    this.kept.set("lostSaid", true);
    void this.say(LOST, pick(problem.message), pick(problem.action), () => this.isLostSaid);
    this.badge("!", ALERT);
  }

  back(): void {
    this.kept.set("lostSaid", null);
    void chrome.notifications.clear(LOST).catch(() => {});
    this.badge("");
  }

  /** A plant was found, and waits for a click. */
  found(name: string): void {
    this.badge("1", CALL);
    const say = t(
      "도구 모음의 Vooster 아이콘을 눌러 연결해 주세요.",
      "Press the Vooster icon in the toolbar to connect.",
    );
    void this.say(FOUND, t(`${name} 공장을 찾았습니다`, `Found the plant ${name}`), say);
  }

  /** Nothing is waited for any more. */
  settled(): void {
    void chrome.notifications.clear(FOUND).catch(() => {});
    this.badge("");
  }

  /** A work order stands on a monitor: the PC must not put it to sleep. */
  shown(): void {
    chrome.power.requestKeepAwake("display");
    void chrome.notifications.clear(PROBLEM).catch(() => {});
  }

  away(): void {
    chrome.power.releaseKeepAwake();
  }

  /** Outlives the worker, which Chrome ends and wakes all through an outage. */
  private get isLostSaid(): boolean {
    return this.kept.get("lostSaid") === true;
  }

  private badge(text: string, color = CALL): void {
    void chrome.action.setBadgeText({ text }).catch(() => {});
    if (text) void chrome.action.setBadgeBackgroundColor({ color }).catch(() => {});
  }

  /** `still` is asked when it stands there, which takes the browser a while: meanwhile it may have become untrue. */
  private async say(id: string, title: string, message: string, still = (): boolean => true): Promise<void> {
    const iconUrl = chrome.runtime.getURL("icons/128.png");
    try {
      await chrome.notifications.create(id, { type: "basic", iconUrl, title, message, priority: 2 });
      if (!still()) await chrome.notifications.clear(id);
    } catch {
      // a PC that shows none has the popup and the second monitor
    }
  }
}
