/** Fetching a document, with the finer reason when it won't come. */

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

export async function fetchDocument(url: string, signal: AbortSignal): Promise<Blob> {
  const response = await fetch(url, { signal, cache: "no-store", credentials: "omit" }).catch((error: unknown) => {
    throw signal.aborted ? error : failed("unreachable");
  });
  if (!response.ok) throw statusFailure(response.status);
  if (Number(response.headers.get("Content-Length")) > MOST_BYTES) throw failed("too large");
  const blob = await response.blob().catch((error: unknown) => {
    throw signal.aborted ? error : failed("broken off while loading");
  });
  if (blob.size === 0) throw failed("empty");
  return blob;
}
