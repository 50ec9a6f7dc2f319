/** What this page can say of itself: browser, system, the monitor it stands on. */
import type { Bounds, ClientName, Display } from "../lib/messages";

const BROWSERS: [RegExp, string][] = [
  [/Edg\/(\d+)/, "Edge"],
  [/Whale\/(\d+)/, "Whale"],
  [/SamsungBrowser\/(\d+)/, "Samsung Internet"],
  [/Firefox\/(\d+)/, "Firefox"],
  [/Chrome\/(\d+)/, "Chrome"],
  [/Version\/(\d+).*Safari/, "Safari"],
];
const SYSTEMS: [RegExp, string][] = [
  [/Windows/, "Windows"],
  [/Android/, "Android"],
  [/CrOS/, "ChromeOS"],
  [/iPhone|iPad/, "iOS"],
  [/Mac OS X/, "macOS"],
  [/Linux/, "Linux"],
];

/** `{"name": "Chrome · Windows", "version": "156"}`. */
export function clientName(userAgent = navigator.userAgent): ClientName {
  let browser = "Browser";
  let version = "";
  for (const [pattern, name] of BROWSERS) {
    const found = pattern.exec(userAgent);
    if (found) {
      browser = name;
      version = found[1] ?? "";
      break;
    }
  }
  const system = SYSTEMS.find(([pattern]) => pattern.test(userAgent))?.[1];
  return { name: system ? `${browser} · ${system}` : browser, version };
}

/** Of the monitor the window stands on, in CSS pixels; its place is known in Chromium only. */
export function bounds(): Bounds {
  const { width, height } = screen;
  const { availLeft = 0, availTop = 0 } = screen as Screen & { availLeft?: number; availTop?: number };
  return { left: availLeft, top: availTop, width, height };
}

/** This page's one monitor. Before a screen's own index is known, the place tells the first monitor from a second. */
export function display(index?: number): Display {
  const at = bounds();
  return { index: index ?? (at.left === 0 ? 0 : 1), bounds: at };
}
