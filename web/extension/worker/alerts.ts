/** What people are told on the main monitor: a notification in the catalogue's words, the icon's badge, no sleep. */
import { type Problem, problemOf } from "../../src/lib/errors";
import { pick, t } from "../../src/lib/i18n";

const LOST = "vooster-lost";
const PROBLEM = "vooster-problem";
const FOUND = "vooster-found";
const MONITOR = "vooster-monitor";
const ALERT = "#c5221f";
const CALL = "#2340c9";

export class Alerts {
  private isLostSaid = false;
  private isMonitorSaid = false;

  /** A document that could not be shown, or a scan that was refused. */
  problem(name: string, problem: Problem): void {
    const title = name ? `${name} · ${pick(problem.message)}` : pick(problem.message);
    this.say(PROBLEM, title, `${pick(problem.action)}\n${problem.code}`);
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
    this.say(MONITOR, pick(message), pick(action));
  }

  /** The appliance has been away for a while. Said once, until it is back. */
  lost(problem: Problem): void {
    if (this.isLostSaid) return;
    this.isLostSaid = true;
    this.say(LOST, pick(problem.message), pick(problem.action));
    this.badge("!", ALERT);
  }

  back(): void {
    this.isLostSaid = false;
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
    this.say(FOUND, t(`${name} 공장을 찾았습니다`, `Found the plant ${name}`), say);
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

  private badge(text: string, color = CALL): void {
    void chrome.action.setBadgeText({ text }).catch(() => {});
    if (text) void chrome.action.setBadgeBackgroundColor({ color }).catch(() => {});
  }

  private say(id: string, title: string, message: string): void {
    const iconUrl = chrome.runtime.getURL("icons/128.png");
    void chrome.notifications.create(id, { type: "basic", iconUrl, title, message, priority: 2 }).catch(() => {}); // a PC that shows none has the popup and the second monitor
  }
}
