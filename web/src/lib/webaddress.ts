/**
 * Addresses of documents on other machines: the one spelling of each that is taken, and the list of hosts whose
 * documents may be opened. The appliance judges by the same rules (`appliance/core/webaddress.py`); an address that this
 * browser reads in another way than it is spelt is refused here.
 */

/** `host` in lower case, IPv6 in brackets; `port` is never left open. */
export type WebAddress = { scheme: string; host: string; port: number };

const MAX_LENGTH = 2048;
const START = /^(https?):\/\/(\[[0-9a-f:]{2,39}\]|[a-z0-9_-]+(?:\.[a-z0-9_-]+)*)(?::([1-9][0-9]{0,4}))?(?=[/?#]|$)/i;
/** Nothing turns the order of its letters round or hides between them. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Z}\\]/u;
/** A last label that makes browsers read the whole host as an IPv4 address. */
const NUMBER = /(^|\.)([0-9]+|0x[0-9a-f]*)$/;
const IPV4 = /^(?:(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(?:\.(?!$)|$)){4}$/;
const MAPPED = /^\[::ffff:[0-9a-f]+:[0-9a-f]+\]$/;
const INTERNATIONAL = "xn--";

/** Where `url` leads; null unless it is an absolute http(s) address that leaves no doubt about it. */
export function webAddress(url: string): WebAddress | null {
  if (url.length > 2 * MAX_LENGTH || [...url].length > MAX_LENGTH || UNSEEN.test(url)) return null;
  const start = START.exec(url);
  if (!start) return null;
  const scheme = (start[1] ?? "").toLowerCase();
  const host = (start[2] ?? "").toLowerCase();
  const port = Number(start[3] ?? (scheme === "http" ? 80 : 443));
  if (port > 65_535 || !(host.startsWith("[") ? !MAPPED.test(host) : isName(host))) return null;
  try {
    const read = new URL(url);
    const readPort = Number(read.port || (read.protocol === "http:" ? 80 : 443));
    const same = read.protocol === `${scheme}:` && read.hostname === host && readPort === port;
    return same && !read.username && !read.password ? { scheme, host, port } : null;
  } catch {
    return null;
  }
}

/**
 * Whether a document at `url` may be opened. `hosts` is the `documentHosts` of `welcome`: `host`, `host:port`,
 * `*.example.local`, addresses, networks. An empty one takes every address but those of names in other scripts, which
 * can look like any other name: they have to be listed, letter for letter.
 */
export function mayOpen(url: string, hosts: readonly string[] = []): boolean {
  const address = webAddress(url);
  if (!address) return false;
  if (hosts.length === 0) return !address.host.includes(INTERNATIONAL);
  return hosts.some((entry) => names(entry, address));
}

function names(entry: string, { host, port }: WebAddress): boolean {
  const [network = "", bits] = entry.split("/");
  if (bits !== undefined) return isWithin(host, network, Number(bits));
  const { 1: below, 2: named = "", 3: at } = /^(\*(?=\.))?(.+?)(?::([0-9]+))?$/.exec(entry) ?? [];
  if (at !== undefined && Number(at) !== port) return false;
  if (below) return host.endsWith(named) && !host.slice(0, -named.length).includes(INTERNATIONAL);
  return named === host;
}

/** Whether an address is in a network; a name is in none. */
function isWithin(host: string, network: string, bits: number): boolean {
  const one = parts(host);
  const other = parts(network);
  return one !== null && other !== null && one.length === other.length && one.slice(0, bits) === other.slice(0, bits);
}

/** An IP address as its 32 or 128 binary digits; null where it is a name. */
function parts(host: string): string | null {
  if (IPV4.test(host))
    return host
      .split(".")
      .map((part) => binary(Number(part), 8))
      .join("");
  const text = host.replace(/^\[|\]$/g, "");
  if (!/^[0-9a-f:]*:[0-9a-f:]*$/.test(text)) return null;
  const [head = [], tail = []] = text.split("::").map((half) => half.split(":").filter(Boolean));
  const groups = [...head, ...Array<string>(Math.max(0, 8 - head.length - tail.length)).fill("0"), ...tail];
  return groups.length === 8 ? groups.map((group) => binary(Number.parseInt(group, 16), 16)).join("") : null;
}

const binary = (value: number, digits: number): string => value.toString(2).padStart(digits, "0");

function isName(host: string): boolean {
  if (NUMBER.test(host)) return IPV4.test(host);
  return host.length <= 253 && host.split(".").every((label) => label.length <= 63);
}
