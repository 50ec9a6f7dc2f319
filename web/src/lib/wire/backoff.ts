/** When to try again after a connection was lost: contract, section 4.1. */

const FIRST_MS = 100;
const GROWTH = 1.5;
const CAP_MS = 1_000;
const LATE_CAP_MS = 5_000;
const LATE_AFTER_MS = 60_000;

/**
 * Milliseconds until the next attempt. `attempt` counts from 0, `awayMs` is how long the link has been down,
 * `random` is 0 to 1. The jitter only shortens, so that the contract's longest wait holds.
 */
export function reconnectDelay(attempt: number, awayMs: number, random: number): number {
  const cap = awayMs >= LATE_AFTER_MS ? LATE_CAP_MS : CAP_MS;
  const full = Math.min(cap, FIRST_MS * GROWTH ** Math.min(attempt, 20));
  return Math.round(full * (0.5 + random / 2));
}
