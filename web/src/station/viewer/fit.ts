/**
 * How a page stands on the monitor. Read from three metres, an upright page on a monitor that lies is too small as a
 * whole: it is fitted to the width and seen in screenfuls, from top to bottom. Everything else is shown whole.
 */

/** Of anything, as long as both have the same unit. */
export type Size = { width: number; height: number };

export type Fit = {
  /** Size of the whole page on the monitor. */
  width: number;
  height: number;
  /** How far down the page each screenful begins, in the monitor's unit; [0] where the page is shown whole. */
  tops: number[];
};

/** A page shown whole at this share of its full-width size or more gains too little from being cut. */
const NEARLY_WIDE = 0.7;
/** So much of a screenful comes again in the next one, at least: no line is lost at the cut, and the eye finds its place. */
const OVERLAP = 0.08;
/** A page as long as a tape is shown whole, rather than in more steps than anybody waits for. */
const MOST_STEPS = 24;

/** `page` and `monitor` with sides above 0. */
export function fitOf(page: Size, monitor: Size): Fit {
  const wide = monitor.width / page.width;
  const whole = Math.min(wide, monitor.height / page.height);
  const long = page.height * wide;
  const steps = Math.ceil((long / monitor.height - OVERLAP) / (1 - OVERLAP));
  if (page.width > page.height || whole >= wide * NEARLY_WIDE || steps > MOST_STEPS) {
    return { width: page.width * whole, height: page.height * whole, tops: [0] };
  }
  const far = (long - monitor.height) / (steps - 1);
  return { width: monitor.width, height: long, tops: Array.from({ length: steps }, (_, step) => step * far) };
}
