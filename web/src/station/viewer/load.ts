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

export const ledAstray = (): LoadFailure =>
  new LoadFailure("DOCUMENT_URL_REFUSED", "it leads to an address that may not be opened");

/** What went wrong, as the appliance is told of it: a fault of our own where it is no document's. */
export function asFailure(error: unknown): LoadFailure {
  return error instanceof LoadFailure ? error : new LoadFailure("CLIENT_FAILED", String(error));
}

const MOST_BYTES = 256 * 1024 * 1024;

export function statusFailure(status: number): LoadFailure {
  if (status === 404 || status === 410) return failed("not found");
  if (status === 403) return failed("link refused");
  return failed(`server answered ${status}`);
}

/** `bytes`: the document itself, where somebody else has fetched it. */
export type Source = { url: string; bytes: Blob | null };

/** Rejects with a LoadFailure, or with the signal's reason. */
export async function fetchDocument({ url, bytes }: Source, signal: AbortSignal): Promise<Blob> {
  if (bytes) return filled(bytes);
  const response = await fetch(url, { signal, cache: "no-store", credentials: "omit" }).catch((error: unknown) => {
    throw signal.aborted ? error : failed("unreachable");
  });
  return bodyOf(response, signal);
}

/** The body of an answer that is one. Rejects as `fetchDocument` does. */
export async function bodyOf(response: Response, signal: AbortSignal): Promise<Blob> {
  if (!response.ok) throw statusFailure(response.status);
  if (Number(response.headers.get("Content-Length")) > MOST_BYTES) throw failed("too large");
  const blob = await response.blob().catch((error: unknown) => {
    throw signal.aborted ? error : failed("broken off while loading");
  });
  return filled(blob);
}

function filled(blob: Blob): Blob {
  if (blob.size === 0) throw failed("empty");
  return blob;
}
