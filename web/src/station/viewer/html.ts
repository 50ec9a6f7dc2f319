/** HTML in a frame without any right but scripts. Fetched first, because a frame looks loaded even at a 404. */
import { fetchDocument, type Source } from "./load";
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
  await new Promise<void>((loaded, broken) => {
    frame.addEventListener("load", () => loaded(), { once: true });
    signal.addEventListener("abort", () => broken(signal.reason), { once: true });
    frame.src = source.url;
    host.append(frame);
  });
  return { pages: 1, steps: 1, step: 0, draw: async () => {}, onMoved: () => {}, dispose: () => frame.remove() };
}
