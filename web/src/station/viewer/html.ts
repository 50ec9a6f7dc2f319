/** HTML in a frame without any right but scripts. Fetched first, because a frame looks loaded even at a 404. */
import { failed, fetchDocument, ledAstray, type Source, statusFailure } from "./load";
import type { Prepared } from "./prepared";

export async function prepareHtml(
  source: Source,
  title: string,
  host: HTMLElement,
  signal: AbortSignal,
): Promise<Prepared> {
  await fetchDocument(source, signal);
  const frame = document.createElement("iframe");
  frame.setAttribute("sandbox", "allow-scripts");
  frame.referrerPolicy = "no-referrer";
  frame.title = title;
  performance.clearResourceTimings(); // it keeps the first few hundred only
  let strayed = (): void => {};
  // The page's own policy keeps its frames to the appliance, and tells.
  const violated = ({ effectiveDirective }: SecurityPolicyViolationEvent): void => {
    if (effectiveDirective === "frame-src") strayed();
  };
  document.addEventListener("securitypolicyviolation", violated);
  const dispose = (): void => {
    document.removeEventListener("securitypolicyviolation", violated);
    frame.remove();
  };
  const prepared: Prepared = { pages: 1, steps: 1, step: 0, draw: async () => {}, onMoved: () => {}, dispose };
  try {
    await new Promise<void>((loaded, broken) => {
      strayed = () => broken(ledAstray());
      frame.addEventListener("load", () => loaded(), { once: true });
      signal.addEventListener("abort", () => broken(signal.reason), { once: true });
      frame.src = source.url;
      host.append(frame);
    });
    const status = statusOf(source.url);
    if (status !== undefined && status !== 200) throw status === 0 ? failed("unreachable") : statusFailure(status);
  } catch (error) {
    dispose();
    throw error;
  }
  strayed = () => prepared.onStrayed?.();
  return prepared;
}

/** What the frame itself was answered, 0 for nothing at all; undefined in a browser that doesn't tell. */
function statusOf(url: string): number | undefined {
  const found = performance.getEntriesByType("resource").findLast(({ name }) => name === url) as
    | PerformanceResourceTiming
    | undefined;
  return found?.initiatorType === "iframe" ? found.responseStatus : undefined;
}
