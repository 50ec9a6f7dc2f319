/** The calls of a pairing: a page makes them, or an extension's worker. */

/** Longer than the appliance holds a poll, shorter than Chrome lets a worker wait for an answer. */
const SEND_TIMEOUT_MS = 28_000;

/** RFC 8628 answers 400 with an `error` of its own where everything else here answers a problem. */
export async function send(url: string, body: unknown): Promise<{ status: number; body: unknown }> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
    cache: "no-store",
    credentials: "omit",
    signal: AbortSignal.timeout(SEND_TIMEOUT_MS),
  });
  return { status: response.status, body: await response.json().catch(() => undefined) };
}
