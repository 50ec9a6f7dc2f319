/** The fragment of `/approve`: `#BCDF-GHJK`, and under TLS the certificate's fingerprint behind it, `&ca=` in Base64. */

export type ApproveFragment = { code: string; fingerprint: string | null };

export function approveFragment(hash: string): ApproveFragment {
  const [code = "", ...rest] = hash.replace(/^#/, "").split("&");
  const ca = rest.find((part) => part.startsWith("ca="))?.slice(3);
  return { code: decoded(code), fingerprint: ca ? digits(ca) : null };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** SHA-256 as people compare it, capitals in groups of four; null for what isn't one. */
function digits(base64url: string): string | null {
  if (!/^[\w-]{43}$/.test(base64url)) return null;
  const bytes = atob(base64url.replace(/-/g, "+").replace(/_/g, "/"));
  const hex = [...bytes].map((char) => char.charCodeAt(0).toString(16).padStart(2, "0")).join("");
  return (hex.toUpperCase().match(/.{4}/g) ?? []).join(" ");
}
