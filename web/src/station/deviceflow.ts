/** Asking to be paired, as RFC 8628 says: show a code, poll until somebody approved it, begin again when it ends. */
import type { ClientName, Display } from "../lib/messages";
import type { Pairing } from "../lib/pairing";

export type Asking =
  | { kind: "asking" }
  /** All times by the flow's own clock. */
  | { kind: "code"; userCode: string; uri: string; qr: string; plant: string; totalMs: number; endsAt: number }
  | { kind: "denied"; endsAt: number }
  | { kind: "unreachable"; since: number; retryAt: number };

export type DeviceAnswer = {
  device_code: string;
  user_code: string;
  verification_uri: string;
  expires_in: number;
  /** Seconds it had at first, where some are gone: a code that a reload goes on with. */
  whole_seconds?: number;
  interval?: number;
  qr?: { svg: string };
  plant?: string;
};

export type FlowDeps = {
  /** Resolves with any HTTP answer, rejects only where none came. */
  send(path: string, body: unknown): Promise<{ status: number; body: unknown }>;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  now(): number;
  request(): { client: ClientName; displays: Display[] };
  onState(state: Asking): void;
  /** The code under way, for the page after a reload; null when it is over. */
  keep(code: DeviceAnswer | null): void;
  /** What was kept, with `expires_in` less by the time since; null where there is nothing. */
  kept(): DeviceAnswer | null;
};

const DENIED_MS = 10_000;
const SLOW_DOWN_MS = 5_000;
/** The appliance may hold its answer this long, so that the monitor learns of the approval at once. */
const HOLD_SECONDS = 20;
/** A code with less left isn't gone on with: nobody could still approve it. */
const LEAST_SECONDS = 30;
const RETRY_MS = 2_000;
const RETRY_MOST_MS = 10_000;

/** Resolves with the pairing. Rejects only when `signal` is aborted. */
export async function pairDevice(deps: FlowDeps, signal: AbortSignal): Promise<Pairing> {
  let since = deps.now();
  let begun = unfinished(deps);
  for (let failures = 0; ; ) {
    const code = begun ?? (await ask(deps));
    begun = null;
    if (!code) {
      if (failures === 0) since = deps.now();
      const wait = Math.min(RETRY_MOST_MS, RETRY_MS * 1.5 ** failures++);
      deps.onState({ kind: "unreachable", since, retryAt: deps.now() + wait });
      await deps.sleep(wait, signal);
      continue;
    }
    failures = 0;
    deps.keep(code);
    const outcome = await poll(deps, code, signal);
    deps.keep(null);
    if (outcome === "denied") {
      deps.onState({ kind: "denied", endsAt: deps.now() + DENIED_MS });
      await deps.sleep(DENIED_MS, signal);
    } else if (outcome !== "expired") {
      return outcome;
    }
  }
}

/** The code an earlier page showed: a phone may have it open, so a reload must not make it a dead one. */
function unfinished(deps: FlowDeps): DeviceAnswer | null {
  const code = deps.kept();
  return code && code.expires_in >= LEAST_SECONDS ? code : null;
}

async function ask(deps: FlowDeps): Promise<DeviceAnswer | null> {
  try {
    const { status, body } = await deps.send("/api/pairing/device", deps.request());
    return status === 200 || status === 201 ? (body as DeviceAnswer) : null;
  } catch {
    return null;
  }
}

async function poll(deps: FlowDeps, code: DeviceAnswer, signal: AbortSignal): Promise<Pairing | "denied" | "expired"> {
  const endsAt = deps.now() + code.expires_in * 1000;
  deps.onState({
    kind: "code",
    userCode: code.user_code,
    uri: code.verification_uri,
    qr: code.qr?.svg ?? "",
    plant: code.plant ?? "",
    totalMs: (code.whole_seconds ?? code.expires_in) * 1000,
    endsAt,
  });
  let interval = (code.interval ?? 5) * 1000;
  while (deps.now() < endsAt) {
    const askedAt = deps.now();
    const body = { device_code: code.device_code, wait: HOLD_SECONDS };
    const answer = await deps.send("/api/pairing/token", body).catch(() => null);
    if (answer?.status === 200) return answer.body as Pairing;
    const error = answer?.status === 400 ? (answer.body as { error?: string } | undefined)?.error : undefined;
    if (error === "access_denied") return "denied";
    if (error === "expired_token" || error === "invalid_grant") return "expired";
    if (error === "slow_down" || answer?.status === 429) interval += SLOW_DOWN_MS;
    const rest = interval - (deps.now() - askedAt);
    await deps.sleep(Math.max(0, Math.min(rest, endsAt - deps.now())), signal);
  }
  return "expired";
}
