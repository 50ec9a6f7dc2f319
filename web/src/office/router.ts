/** Which page is on: the address bar is the only state, so Back and new tabs always work. */
import { signal } from "@preact/signals";
import { nextOf } from "./next";

/** Paths this program of pages draws; everything else is another page or a file. */
export const PATHS = [
  "/",
  "/setup",
  "/login",
  "/screens",
  "/screens/labels",
  "/approve",
  "/pair",
  "/dead-letters",
  "/discovery",
  "/trust",
  "/extension",
] as const;
export type Path = (typeof PATHS)[number];

const NEXT_KEY = "vooster.next";

export const place = signal(new URL(location.href));

function update(): void {
  place.value = new URL(location.href);
}

/** Goes to an address of this origin, to another program of pages too; `replace` leaves no entry for Back. */
export function go(to: string, replace = false): void {
  const url = new URL(to, location.href);
  if (url.origin !== location.origin) return;
  if (!isOwn(url)) {
    if (replace) location.replace(url);
    else location.assign(url);
    return;
  }
  history[replace ? "replaceState" : "pushState"](null, "", to);
  update();
  window.scrollTo(0, 0);
}

/** To sign-in, and afterwards back here. The fragment may hold a code, so it stays in this tab and off the address. */
export function goToLogin(): void {
  const here = location.pathname + location.search + location.hash;
  sessionStorage.setItem(NEXT_KEY, here);
  go("/login", true);
}

/** Where one was going before sign-in, once: what the link says (`/login?next=/scan`), else what was left here. */
export function takeNext(): string {
  const left = sessionStorage.getItem(NEXT_KEY);
  sessionStorage.removeItem(NEXT_KEY);
  return nextOf([place.value.searchParams.get("next"), left], location.origin);
}

function isOwn(url: URL): boolean {
  return url.origin === location.origin && (PATHS as readonly string[]).includes(url.pathname);
}

function onClick(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
  const link = event.target instanceof Element ? event.target.closest("a") : null;
  if (!link || link.target || link.hasAttribute("download")) return;
  const url = new URL(link.href);
  if (!isOwn(url) || (url.hash && url.pathname === location.pathname)) return;
  event.preventDefault();
  go(url.pathname + url.search + url.hash);
}

export function startRouter(): void {
  addEventListener("popstate", update);
  addEventListener("hashchange", update);
  document.addEventListener("click", onClick);
}
