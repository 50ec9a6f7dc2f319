/** Where sign-in leads: what a link asks for is taken only when it stays on this appliance. */

/** The first of `asked` that is a page here other than sign-in, as path, query and fragment; else `/`. */
export function nextOf(asked: (string | null)[], origin: string): string {
  for (const one of asked) {
    const url = one?.startsWith("/") ? parse(one, origin) : null;
    if (url?.origin === origin && url.pathname !== "/login") return url.pathname + url.search + url.hash;
  }
  return "/";
}

function parse(path: string, origin: string): URL | null {
  try {
    return new URL(path, origin);
  } catch {
    return null;
  }
}
