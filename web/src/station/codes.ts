/** Codes that a screen tells apart, be it a page or an extension. */

/** Refusals of this screen's own scan: what stood there is put away. */
export const SCAN_CODES: ReadonlySet<string> = new Set([
  "ORDER_NOT_FOUND",
  "ORDER_OUT_OF_STOCK",
  "DOCUMENT_TYPE_UNSUPPORTED",
  "DOCUMENT_URL_REFUSED",
  "ORDER_SOURCE_UNAVAILABLE",
]);
/** `failed` codes that end a delivery at once: contract, section 6. */
export const FINAL_CODES: ReadonlySet<string> = new Set([
  "DISPLAY_PERMISSION_DENIED",
  "DOCUMENT_URL_REFUSED",
  "DOCUMENT_NOT_FRAMEABLE",
  "DOCUMENT_TYPE_UNSUPPORTED",
]);
