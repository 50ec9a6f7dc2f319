/** Which documents this page may open at all. */

export type Refusal = "DOCUMENT_URL_REFUSED" | "DOCUMENT_NOT_FRAMEABLE";

/** Where the appliance serves documents. Its pages and calls forbid framing, and a forbidden frame looks loaded too. */
const DOCUMENTS = "/documents/";

/**
 * Null where the page can open `url` and can know that it did: a document of the appliance's own. Anything else is
 * refused honestly: a blocked frame, a dead port and a missing page all look loaded from here.
 */
export function refusalOf(url: string, origin: string): Refusal | null {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    return "DOCUMENT_URL_REFUSED";
  }
  if (parsed.protocol !== "http:" && parsed.protocol !== "https:") return "DOCUMENT_URL_REFUSED";
  const own = parsed.origin === origin && parsed.pathname.startsWith(DOCUMENTS);
  return own ? null : "DOCUMENT_NOT_FRAMEABLE";
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
