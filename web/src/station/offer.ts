/** Reads what a hand scanner typed: the address of an offer, `http://…/pair?screenId=…#token=…`. */

export type Offer = { screenId: string; token: string };

const SCREEN_ID = /^[A-Za-z0-9._-]{1,64}$/;

/** Null for everything that isn't an offer, printed labels (no token) included. */
export function parseOffer(text: string): Offer | null {
  let url: URL;
  try {
    url = new URL(text.trim());
  } catch {
    return null;
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") return null;
  if (url.pathname.replace(/\/$/, "") !== "/pair") return null;
  const screenId = url.searchParams.get("screenId") ?? "";
  const token = new URLSearchParams(url.hash.slice(1)).get("token") ?? "";
  return SCREEN_ID.test(screenId) && token !== "" ? { screenId, token } : null;
}
