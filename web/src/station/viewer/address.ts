/** Which documents this page may open at all. */

export type Refusal = "DOCUMENT_URL_REFUSED" | "DOCUMENT_NOT_FRAMEABLE";

/**
 * Null where the page can open `url` and can know that it did. A foreign origin is refused honestly: a blocked frame,
 * a dead port and a missing page all look loaded from here.
 */
export function refusalOf(url: string, origin: string): Refusal | null {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    return "DOCUMENT_URL_REFUSED";
  }
  if (parsed.protocol !== "http:" && parsed.protocol !== "https:") return "DOCUMENT_URL_REFUSED";
  return parsed.origin === origin ? null : "DOCUMENT_NOT_FRAMEABLE";
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
