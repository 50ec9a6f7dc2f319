/**
 * Whether this browser has the extension, and passing a pairing on to it. Its content script answers on the pages that
 * may need it; what it is told it takes for no more than a wish, and asks a person itself.
 */
import { signal } from "@preact/signals";
import { request } from "./api";

const HELLO = "vooster:extension";
const ASK = "vooster:extension?";
const HAND_OFF = "vooster:handoff";
/** An extension answers at once; without one nobody ever does. */
const WAIT_MS = 500;

export type Extension = { kind: "missing" } | { kind: "outdated" | "installed"; version: string };

/** Null until it is known. */
export const extension = signal<Extension | null>(null);

let asked: Promise<Extension> | null = null;

/** Finds out, once for this page; `extension` tells as well. */
export function findExtension(): Promise<Extension> {
  asked ??= lookFor(document, applianceVersion).then((found) => {
    extension.value = found;
    return found;
  });
  return asked;
}

/** `served` gives the version that the appliance hands out; while that can't be learned whichever is there will do. */
export async function lookFor(
  page: EventTarget,
  served: () => Promise<string | null>,
  waitMs = WAIT_MS,
): Promise<Extension> {
  const version = await hello(page, waitMs);
  if (version === null) return { kind: "missing" };
  const current = await served();
  return { kind: current !== null && numbers(current) !== version ? "outdated" : "installed", version };
}

function hello(page: EventTarget, waitMs: number): Promise<string | null> {
  return new Promise((resolve) => {
    const end = (version: string | null): void => {
      clearTimeout(timer);
      page.removeEventListener(HELLO, hear);
      resolve(version);
    };
    const hear = (event: Event): void => {
      const version = versionIn(event);
      if (version !== null) end(version);
    };
    const timer = setTimeout(() => end(null), waitMs);
    page.addEventListener(HELLO, hear);
    page.dispatchEvent(new CustomEvent(ASK));
  });
}

function versionIn(event: Event): string | null {
  try {
    const { version } = JSON.parse(String((event as CustomEvent).detail)) as { version?: unknown };
    return typeof version === "string" ? numbers(version) : null;
  } catch {
    return null;
  }
}

/** The part of a version that a browser takes. */
function numbers(version: string): string | null {
  return /^\d+(\.\d+){0,3}/.exec(version)?.[0] ?? null;
}

async function applianceVersion(): Promise<string | null> {
  const told = await request<{ version?: unknown }>("GET", "/.well-known/vooster").catch(() => null);
  return typeof told?.version === "string" ? told.version : null;
}

/** With an offer: to become that screen. Without: that an appliance is here. A click in the extension's popup follows. */
export function handOff(offer?: { screenId: string; token: string }, page: EventTarget = document): void {
  page.dispatchEvent(new CustomEvent(HAND_OFF, { detail: JSON.stringify(offer ?? {}) }));
}
