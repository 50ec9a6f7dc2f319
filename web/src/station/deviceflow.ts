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
};

const DENIED_MS = 10_000;
const SLOW_DOWN_MS = 5_000;
/** The appliance may hold its answer this long, so that the monitor learns of the approval at once. */
const HOLD_SECONDS = 20;
const RETRY_MS = 2_000;
const RETRY_MOST_MS = 10_000;

/** Resolves with the pairing. Rejects only when `signal` is aborted. */
export async function pairDevice(deps: FlowDeps, signal: AbortSignal): Promise<Pairing> {
  let since = deps.now();
  for (let failures = 0; ; ) {
    const code = await ask(deps);
    if (!code) {
      if (failures === 0) since = deps.now();
      const wait = Math.min(RETRY_MOST_MS, RETRY_MS * 1.5 ** failures++);
      deps.onState({ kind: "unreachable", since, retryAt: deps.now() + wait });
      await deps.sleep(wait, signal);
      continue;
    }
    failures = 0;
    const outcome = await poll(deps, code, signal);
    if (outcome === "denied") {
      deps.onState({ kind: "denied", endsAt: deps.now() + DENIED_MS });
      await deps.sleep(DENIED_MS, signal);
    } else if (outcome !== "expired") {
      return outcome;
    }
  }
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
  const totalMs = code.expires_in * 1000;
  const endsAt = deps.now() + totalMs;
  deps.onState({
    kind: "code",
    userCode: code.user_code,
    uri: code.verification_uri,
    qr: code.qr?.svg ?? "",
    plant: code.plant ?? "",
    totalMs,
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
