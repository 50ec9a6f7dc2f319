/** How a screen is spoken of: its lines, its PC, its monitor. */
import { NONE } from "../lib/format";
import { t } from "../lib/i18n";
import type { Display } from "../lib/messages";
import { lineNames } from "../lib/names";
import type { Screen } from "./types";

/** 1라인 · SCREEN-001, beside the name; a screen without a name has its id for one. */
export function lineAndId(screen: Pick<Screen, "groups" | "name" | "screenId">): string {
  const id = nameOf(screen) === screen.screenId ? [] : [screen.screenId];
  return [...lineNames(screen.groups), ...id].join(" · ");
}

export function nameOf(screen: Pick<Screen, "name" | "screenId">): string {
  return screen.name || screen.screenId;
}

/** The monitor people call number n has the index n - 1. */
export function displayName(index: number): string {
  return t(`화면 ${index + 1}`, `display ${index + 1}`);
}

export function sizeOf(display: Display | undefined): string | null {
  return display?.bounds ? `${display.bounds.width}×${display.bounds.height}` : null;
}

/** 192.168.10.51 · 1920×1080 · 화면 2 */
export function pcFacts(screen: Screen): string {
  const display = screen.displays.find((one) => one.index === screen.displayIndex) ?? screen.displays[0];
  const facts = [screen.client?.address, sizeOf(display), screen.paired ? displayName(screen.displayIndex) : null];
  return facts.filter(Boolean).join(" · ") || NONE;
}

export function clientText(client: { name: string; version: string } | null): string {
  return client ? [client.name, client.version].filter(Boolean).join(" ") : NONE;
}

/** The standing warning that two PCs use the screen's key, if there is one. */
export function cloneOf(screen: Screen): Screen["warnings"][number] | undefined {
  return screen.warnings.find((warning) => warning.code === "SCREEN_CLONED");
}

export function cloneText(screen: Screen): string {
  const name = nameOf(screen);
  return t(`${name}의 열쇠가 두 PC에서 쓰였습니다.`, `${name}'s key was used on two PCs.`);
}

const ORDER = ["problem", "offline", "showing", "ready", "unpaired", "revoked"];

/** What needs somebody first, then by id. */
export function byUrgency(a: Screen, b: Screen): number {
  return ORDER.indexOf(a.state) - ORDER.indexOf(b.state) || byId(a, b);
}

export function byId(a: Screen, b: Screen): number {
  return a.screenId.localeCompare(b.screenId, undefined, { numeric: true });
}

/** The next free id in the row SCREEN-001, SCREEN-002 … */
export function nextScreenId(screens: Screen[]): string {
  const numbers = screens.map((screen) => Number(/^SCREEN-(\d+)$/i.exec(screen.screenId)?.[1] ?? 0));
  return `SCREEN-${String(Math.max(0, ...numbers) + 1).padStart(3, "0")}`;
}
