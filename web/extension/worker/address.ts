/** Addresses of appliances: what a person may type, which of them are of this network, whether two name one page. */

const DEFAULT_PORT = 8480;
const IPV4 = /^\d{1,3}(\.\d{1,3}){3}$/;

/** The origin that a typed address means: `192.168.0.5`, `vooster.local:8481`, `http://…/pair`. Null for none. */
export function baseOf(text: string): string | null {
  const typed = text.trim();
  if (typed === "" || /\s/.test(typed)) return null;
  try {
    const url = new URL(/^[a-z][a-z0-9+.-]*:\/\//i.test(typed) ? typed : `http://${typed}`);
    if ((url.protocol !== "http:" && url.protocol !== "https:") || url.username || url.password) return null;
    const isBare = !/:\d+$/.test(typed.replace(/^[a-z]+:\/\//i, "").split(/[/?#]/)[0] ?? "");
    if (isBare && !typed.toLowerCase().startsWith("https:")) url.port = String(DEFAULT_PORT);
    return url.origin;
  } catch {
    return null;
  }
}

/** Whether an origin is of this network: private, link-local and loopback addresses, `.local` and single-label names. */
export function isLocal(base: string): boolean {
  let host: string;
  try {
    host = new URL(base).hostname.toLowerCase();
  } catch {
    return false;
  }
  if (host.startsWith("[")) return /^\[(::1\]|f[cd]|fe[89ab])/.test(host);
  if (!IPV4.test(host)) return host.endsWith(".local") || !host.includes(".");
  const [a = 0, b = 0] = host.split(".").map(Number);
  return (
    a === 10 || a === 127 || (a === 172 && b >= 16 && b < 32) || (a === 192 && b === 168) || (a === 169 && b === 254)
  );
}

/** The same address but for what comes after `#`. */
export function isSamePage(one: string, other: string): boolean {
  return withoutFragment(one) === withoutFragment(other);
}

function withoutFragment(url: string): string {
  try {
    const read = new URL(url);
    read.hash = "";
    return read.href;
  } catch {
    return url;
  }
}

/** Of an address its origin only: what comes behind it may be somebody's secret. Null where it is none. */
export function originOf(url: string): string | null {
  return URL.canParse(url) ? new URL(url).origin : null;
}
