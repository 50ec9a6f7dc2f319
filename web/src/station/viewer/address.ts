/** Which documents this page may open at all. */
import { mayOpen } from "../../lib/webaddress";

export type Refusal = "DOCUMENT_URL_REFUSED" | "DOCUMENT_NOT_FRAMEABLE";

/** Where the appliance serves documents. Its pages and calls forbid framing, and a forbidden frame looks loaded too. */
const DOCUMENTS = "/documents/";

/**
 * Null where the page can open `url` and can know that it did: a document of the appliance's own. Anything else is
 * refused honestly: a blocked frame, a dead port and a missing page all look loaded from here. `hosts`: whose documents
 * may be opened, where it isn't anyone's.
 */
export function refusalOf(url: string, origin: string, hosts: readonly string[] = []): Refusal | null {
  if (isOwn(url, origin)) return null;
  return mayOpen(url, hosts) ? "DOCUMENT_NOT_FRAMEABLE" : "DOCUMENT_URL_REFUSED";
}

function isOwn(url: string, origin: string): boolean {
  try {
    const { origin: at, pathname, protocol } = new URL(url);
    return at === origin && protocol.startsWith("http") && pathname.startsWith(DOCUMENTS);
  } catch {
    return false;
  }
}

export type Format = "pdf" | "image" | "html" | "text";

/** How a content type is drawn; null for what a browser page can't show. */
export function formatOf(contentType: string): Format | null {
  const type = (contentType.split(";")[0] ?? "").trim().toLowerCase();
  if (type === "application/pdf") return "pdf";
  if (/^image\/(png|jpeg|gif|webp|avif|bmp|svg\+xml)$/.test(type)) return "image";
  if (type === "text/html" || type === "application/xhtml+xml") return "html";
  return type === "text/plain" ? "text" : null;
}
