/** The monitor as a thing in a hall: no pointer, no sleep, nothing burnt in. */

const POINTER_MS = 3_000;
const DRIFT_MS = 60_000;
const STILL_DRIFT_MS = 600_000;
/** Where the pages stand, in px, one after another. */
const PLACES = [
  [0, 0],
  [4, 0],
  [4, 4],
  [0, 4],
  [-4, 4],
  [-4, 0],
  [-4, -4],
  [0, -4],
  [4, -4],
] as const;

/** The pointer goes away after 3 s without a move. */
export function hidePointer(root: HTMLElement): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const hide = (): void => root.classList.add("no-pointer");
  const show = (): void => {
    root.classList.remove("no-pointer");
    clearTimeout(timer);
    timer = setTimeout(hide, POINTER_MS);
  };
  addEventListener("pointermove", show, { passive: true });
  timer = setTimeout(hide, POINTER_MS);
}

/** 4 px every minute; a move every 10 minutes for people who want no motion. */
export function drift(root: HTMLElement): void {
  let place = 0;
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  setInterval(
    () => {
      place = (place + 1) % PLACES.length;
      const [x, y] = PLACES[place] ?? PLACES[0];
      root.style.setProperty("--drift", `${x}px ${y}px`);
    },
    still ? STILL_DRIFT_MS : DRIFT_MS,
  );
}

/** Where the browser allows it: plain http addresses of a LAN don't, there the system's own settings count. */
export function stayAwake(): void {
  const ask = (): void => {
    if (document.visibilityState === "visible") navigator.wakeLock?.request("screen").catch(() => {});
  };
  document.addEventListener("visibilitychange", ask);
  ask();
}
