/** Fetching a document, with the finer reason when it won't come. */
import type { Refusal } from "./address";

/** `detail` is for the record on the appliance, in English; people get the code's own words. */
export class LoadFailure extends Error {
  readonly code: string;
  readonly detail: string;

  constructor(code: string, detail: string) {
    super(`${code}: ${detail}`);
    this.code = code;
    this.detail = detail;
  }
}

export const failed = (detail: string): LoadFailure => new LoadFailure("DOCUMENT_LOAD_FAILED", detail);

const MOST_BYTES = 256 * 1024 * 1024;

export function statusFailure(status: number): LoadFailure {
  if (status === 404 || status === 410) return failed("not found");
  if (status === 403) return failed("link refused");
  return failed(`server answered ${status}`);
}

/** Which addresses a page opens. */
export type Rules = {
  /** Null where it may be opened. `hosts`: whose documents may be, where it isn't anyone's. */
  refusalOf(url: string, hosts: readonly string[]): Refusal | null;
  /** Whether it is the appliance's own, which needs no cookies and leads nowhere else. */
  isOwn(url: string): boolean;
};

export type Source = { url: string; isOwn: boolean; refusalOf(url: string): Refusal | null };

/** Rejects with a LoadFailure, or with the signal's reason. */
export async function fetchDocument({ url, isOwn, refusalOf }: Source, signal: AbortSignal): Promise<Blob> {
  const credentials = isOwn ? "omit" : "include";
  const response = await fetch(url, { signal, cache: "no-store", credentials }).catch((error: unknown) => {
    throw signal.aborted ? error : failed("unreachable");
  });
  const refusal = response.redirected ? refusalOf(response.url) : null;
  if (refusal) throw new LoadFailure(refusal, "it leads to an address that may not be opened");
  if (!response.ok) throw statusFailure(response.status);
  if (Number(response.headers.get("Content-Length")) > MOST_BYTES) throw failed("too large");
  const blob = await response.blob().catch((error: unknown) => {
    throw signal.aborted ? error : failed("broken off while loading");
  });
  if (blob.size === 0) throw failed("empty");
  return blob;
}
