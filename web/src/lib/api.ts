/** Calls to the appliance: JSON in and out, the CSRF header, time-outs, and every failure as a ProblemError. */
import { ProblemError, problemFrom, problemOf } from "./errors";

export type Call = {
  /** JSON body; none is sent without it. */
  body?: unknown;
  /** Sent as `Authorization: Bearer`; such a call needs no CSRF token. */
  bearer?: string;
  /** Milliseconds until CONNECTION_TIMEOUT. */
  timeoutMs?: number;
  /** Aborting it rejects with the browser's AbortError, not with a problem. */
  signal?: AbortSignal;
  /** False for calls that need no session: sign-in, set-up, asking for a pairing. */
  csrf?: boolean;
};

const TIMEOUT_MS = 10_000;
const SAFE = new Set(["GET", "HEAD"]);

let csrfToken: string | null = null;

/** Sign-in and set-up answer with the first token; null forgets it (sign-out, another person). */
export function setCsrf(token: string | null): void {
  csrfToken = token;
}

async function send(method: string, path: string, call: Call): Promise<Response> {
  const headers = new Headers({ Accept: "application/json" });
  if (call.body !== undefined) headers.set("Content-Type", "application/json");
  if (call.bearer) headers.set("Authorization", `Bearer ${call.bearer}`);
  if (needsCsrf(method, call) && csrfToken) headers.set("X-CSRF-Token", csrfToken);
  const timeout = AbortSignal.timeout(call.timeoutMs ?? TIMEOUT_MS);
  const signal = call.signal ? anyOf(call.signal, timeout) : timeout;
  try {
    return await fetch(path, {
      method,
      headers,
      signal,
      credentials: call.bearer ? "omit" : "same-origin",
      cache: "no-store",
      body: call.body === undefined ? null : JSON.stringify(call.body),
    });
  } catch (error) {
    if (call.signal?.aborted) throw error;
    throw new ProblemError(problemOf(timeout.aborted ? "CONNECTION_TIMEOUT" : "CONNECTION_REFUSED"));
  }
}

function anyOf(...signals: AbortSignal[]): AbortSignal {
  const controller = new AbortController();
  for (const signal of signals) {
    if (signal.aborted) controller.abort(signal.reason);
    else signal.addEventListener("abort", () => controller.abort(signal.reason), { once: true });
  }
  return controller.signal;
}

function needsCsrf(method: string, call: Call): boolean {
  return !SAFE.has(method) && !call.bearer && call.csrf !== false;
}

async function read(response: Response): Promise<unknown> {
  if (response.status === 204) return undefined;
  try {
    return await response.json();
  } catch (error) {
    if (error instanceof DOMException) throw new ProblemError(problemOf("CONNECTION_TIMEOUT"));
    return undefined;
  }
}

async function renewCsrf(): Promise<void> {
  csrfToken = null;
  const response = await send("GET", "/api/csrf", {});
  const body = (await read(response)) as { csrfToken?: string } | undefined;
  if (!response.ok) throw new ProblemError(problemFrom(body, response.status));
  csrfToken = body?.csrfToken ?? null;
}

/** One call. Resolves with the parsed body (undefined at 204), rejects with a ProblemError. */
export async function request<T>(method: string, path: string, call: Call = {}): Promise<T> {
  return (await answer<T>(method, path, call)).body;
}

export type Answer<T> = {
  status: number;
  body: T;
  /** The appliance's clock when it answered (whole seconds), to count its times down on a device whose clock is off. */
  serverTime: number;
};

/** Like `request`, for callers that tell 200 from 202 or need the appliance's clock. */
export async function answer<T>(method: string, path: string, call: Call = {}): Promise<Answer<T>> {
  const guarded = needsCsrf(method, call);
  if (guarded && !csrfToken) await renewCsrf();
  let response = await send(method, path, call);
  let body = await read(response);
  if (guarded && response.status === 403 && (body as { code?: string } | undefined)?.code === "CSRF_INVALID") {
    await renewCsrf();
    response = await send(method, path, call);
    body = await read(response);
  }
  if (response.ok) {
    const serverTime = Date.parse(response.headers.get("Date") ?? "") || Date.now();
    return { status: response.status, body: body as T, serverTime };
  }
  const problem = problemFrom(body, response.status);
  const wait = Number(response.headers.get("Retry-After"));
  throw new ProblemError({ ...problem, retryAfterSeconds: wait > 0 ? wait : null });
}

export const get = <T>(path: string, call?: Call): Promise<T> => request<T>("GET", path, call);
export const post = <T>(path: string, body?: unknown, call?: Call): Promise<T> =>
  request<T>("POST", path, { ...call, body });
export const patch = <T>(path: string, body: unknown, call?: Call): Promise<T> =>
  request<T>("PATCH", path, { ...call, body });
export const del = <T>(path: string, call?: Call): Promise<T> => request<T>("DELETE", path, call);
