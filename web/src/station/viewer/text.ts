/** Plain text, large, by screenfuls. Files from older Korean programs aren't UTF-8, so that is told by trying. */
import { fetchDocument, type Source } from "./load";
import type { Prepared } from "./prepared";

export async function prepareText(source: Source, host: HTMLElement, signal: AbortSignal): Promise<Prepared> {
  const blob = await fetchDocument(source, signal);
  const sheet = document.createElement("pre");
  sheet.textContent = decode(await blob.arrayBuffer());
  host.append(sheet);
  const line = Number.parseFloat(getComputedStyle(sheet).lineHeight) || 1;
  // Whole lines only, and one line of the last screenful again, so that the eye finds its place.
  const step = Math.max(line, Math.floor(sheet.clientHeight / line - 1) * line);
  const pages = 1 + Math.ceil(Math.max(0, sheet.scrollHeight - sheet.clientHeight) / step);
  return {
    pages,
    steps: 1,
    step: 0,
    onMoved: () => {},
    draw: async (number) => {
      sheet.scrollTop = (number - 1) * step;
    },
    dispose: () => sheet.remove(),
  };
}

export function decode(bytes: ArrayBuffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder("euc-kr").decode(bytes);
  }
}
