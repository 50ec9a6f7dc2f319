/**
 * Where the appliance is: asked at each address that may have it, and known by its identity, never by a name or an
 * address. Browsers offer extensions no mDNS, so `vooster.local` is resolved by the system, and the port is fixed.
 */
import type { Appliance, FoundBy } from "../view";
import { baseOf, isLocal } from "./address";

export const LAN_NAME = "vooster.local";

const ANSWER_MS = 2_500;
const INSTANCE = /^[A-Za-z0-9-]{8,64}$/;

export type Candidate = { base: string; by: FoundBy };

type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/**
 * The appliance at `base`, null where none answers. Where it speaks TLS only it is asked again in that way. A browser
 * doesn't tell an untrusted certificate from a dead server, but an appliance that speaks TLS says so without it, on the
 * same port: `untrusted` hears the plain origin, where its certificate is to be had. Nothing else is believed there.
 */
export async function ask(
  { base, by }: Candidate,
  call: Fetch = (url, init) => fetch(url, init),
  untrusted: (base: string) => void = () => {},
): Promise<Appliance | null> {
  const answer = await wellKnown(base, call);
  const isSecure = base.startsWith("https:");
  if (answer === "tls") return isSecure ? null : ask({ base: base.replace(/^http:/, "https:"), by }, call, untrusted);
  if (!answer) {
    const plain = isSecure ? sameDoor(base, { protocol: "http:" }) : null;
    if (plain && (await wellKnown(plain, call)) === "tls") untrusted(plain);
    return null;
  }
  const { instanceId, name, version, host } = answer;
  if (answer.product !== "vooster" || typeof instanceId !== "string" || !INSTANCE.test(instanceId)) return null;
  const appliance: Appliance = {
    base,
    by,
    instanceId,
    name: typeof name === "string" && name !== "" ? name.slice(0, 200) : "Vooster",
    version: typeof version === "string" ? version.slice(0, 40) : "",
    host: typeof host === "string" && /^[a-z0-9-]{1,63}\.local$/.test(host) ? host : null,
  };
  // What IT has set stands as it is: an answer doesn't lead away from it.
  if (by === "policy") return appliance;
  return atItsAddress(appliance, typeof answer.address === "string" ? answer.address : null, call);
}

/**
 * The same appliance at its address rather than its name, where it can be reached so: browsers go on for a while with
 * what a name meant before, and an order must not wait for that.
 */
async function atItsAddress(appliance: Appliance, address: string | null, call: Fetch): Promise<Appliance> {
  const { protocol, hostname } = new URL(appliance.base);
  if (!address || !hostname.endsWith(".local")) return appliance;
  const base = baseOf(`${protocol}//${address}`);
  const there = base && isLocal(base) ? await ask({ base, by: appliance.by }, call) : null;
  return there?.instanceId === appliance.instanceId ? there : appliance;
}

async function wellKnown(base: string, call: Fetch): Promise<Record<string, unknown> | "tls" | null> {
  try {
    const response = await call(`${base}/.well-known/vooster`, {
      signal: AbortSignal.timeout(ANSWER_MS),
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
    });
    const body = (await response.json()) as Record<string, unknown> | null;
    if (body?.code === "TLS_REQUIRED") return "tls";
    return response.ok ? body : null;
  } catch {
    return null;
  }
}

/** Every place where the appliance may be, the surest first, none twice. */
export function candidates(from: {
  policy: string | null;
  appliance: Appliance | null;
  serverUrl: string | null;
}): Candidate[] {
  const { policy, appliance, serverUrl } = from;
  const all: Candidate[] = [];
  const add = (address: string | null | undefined, by: FoundBy): void => {
    const base = address ? baseOf(address) : null;
    if (base && !all.some((one) => one.base === base)) all.push({ base, by });
  };
  add(policy, "policy");
  // Set by a policy of the past it is no longer what IT says.
  add(appliance?.base, !appliance || appliance.by === "policy" ? "pairing" : appliance.by);
  add(serverUrl, "pairing");
  // Moved to another address it still has its name, on the port it had.
  if (appliance?.host) add(sameDoor(appliance.base, { host: appliance.host }), "name");
  if (appliance) add(sameDoor(appliance.base, { host: LAN_NAME }), "name");
  add(LAN_NAME, "name");
  return all;
}

/** Scheme and port of `base` at another host, or its host and port by another scheme. */
function sameDoor(base: string, other: { host?: string; protocol?: "http:" }): string {
  const url = new URL(base);
  const port = url.port || (url.protocol === "https:" ? 443 : 80);
  return `${other.protocol ?? url.protocol}//${other.host ?? url.hostname}:${port}`;
}

/**
 * The first of `places` with the appliance that `isWanted`, all of them asked at once; also whoever else answered, and
 * where somebody did whose certificate isn't trusted.
 */
export async function find(
  places: readonly Candidate[],
  isWanted: (appliance: Appliance) => boolean,
  call?: Fetch,
): Promise<{ found: Appliance | null; others: Appliance[]; untrusted: string[] }> {
  const untrusted: string[] = [];
  const answers = await Promise.all(places.map((place) => ask(place, call, (base) => untrusted.push(base))));
  const all = answers.filter((answer) => answer !== null);
  return { found: all.find(isWanted) ?? null, others: all.filter((one) => !isWanted(one)), untrusted };
}
