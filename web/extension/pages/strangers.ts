/** Documents of other hosts: the extension may fetch them, the viewer that draws them may not. */
import { formatOf } from "../../src/station/viewer/address";
import { bodyOf, failed } from "../../src/station/viewer/load";

export type Stranger = { bytes: Blob; contentType: string };

/**
 * The document at `url`; null where a tab has to tell what it is: a page, or an address that leads on to another.
 * Rejects with a LoadFailure.
 */
export async function fetchStranger(url: string, signal: AbortSignal): Promise<Stranger | null> {
  const response = await fetch(url, {
    signal,
    cache: "no-store",
    credentials: "include",
    redirect: "manual",
    referrerPolicy: "no-referrer",
  }).catch((error: unknown) => {
    throw signal.aborted ? error : failed("unreachable");
  });
  if (response.type === "opaqueredirect") return null;
  const contentType = response.headers.get("Content-Type") ?? "";
  const format = formatOf(contentType);
  if (response.ok && (format === null || format === "html")) return null;
  return { bytes: await bodyOf(response, signal), contentType };
}
