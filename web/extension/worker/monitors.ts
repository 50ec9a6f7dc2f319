/** The PC's monitors as display indexes: the primary one first, then from left to right, then from top to bottom. */
import type { Display } from "../../src/lib/messages";

export type Info = Pick<chrome.system.display.DisplayUnitInfo, "id" | "name" | "bounds" | "isPrimary" | "isEnabled">;
export type PlacedDisplay = Display & { id: string; bounds: NonNullable<Display["bounds"]> };

/**
 * `chosen` is the monitor that a person picked for work orders, `target` the index those have: the two change places.
 * A monitor that isn't there now changes nothing.
 */
export function inOrder(infos: readonly Info[], chosen: string | null, target: number): PlacedDisplay[] {
  const sorted = infos
    .filter((info) => info.isEnabled !== false)
    .toSorted(
      (one, other) =>
        Number(other.isPrimary) - Number(one.isPrimary) ||
        one.bounds.left - other.bounds.left ||
        one.bounds.top - other.bounds.top,
    );
  const at = sorted.findIndex((info) => info.id === chosen);
  const [picked, there] = [sorted[at], sorted[target]];
  if (picked && there) {
    sorted[target] = picked;
    sorted[at] = there;
  }
  return sorted.map(({ id, name, bounds, isPrimary }, index) => ({
    id,
    index,
    name: name || `${bounds.width}×${bounds.height}`,
    bounds: { left: bounds.left, top: bounds.top, width: bounds.width, height: bounds.height },
    primary: isPrimary,
  }));
}

/** Whether two lists say the same, so that nothing is told twice. */
export function isSame(one: readonly Display[], other: readonly Display[]): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
