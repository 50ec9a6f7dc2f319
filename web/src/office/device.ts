/** What kind of device this page is open on, as far as a browser says. */

export function isPhone(): boolean {
  const hint = (navigator as Navigator & { userAgentData?: { mobile?: boolean } }).userAgentData?.mobile;
  return hint ?? /Mobi|Android|iPhone|iPad/.test(navigator.userAgent);
}

export type Browser = "Chrome" | "Edge" | "Whale";

/** Which of the browsers that take the extension this is; null for any other. */
export function browser(agent = navigator.userAgent): Browser | null {
  if (/Whale\//.test(agent)) return "Whale";
  if (/Edg\//.test(agent)) return "Edge";
  return /Chrome\//.test(agent) && !/OPR\//.test(agent) ? "Chrome" : null;
}
