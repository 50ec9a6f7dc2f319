/** Pictures, SVG included, as an image element: decoded before it counts as shown, and without any script. */
import { failed, fetchDocument } from "./load";
import type { Prepared } from "./prepared";

export async function prepareImage(
  url: string,
  contentType: string,
  host: HTMLElement,
  signal: AbortSignal,
): Promise<Prepared> {
  const blob = await fetchDocument(url, signal);
  const address = URL.createObjectURL(new Blob([blob], { type: contentType }));
  const image = new Image();
  image.alt = "";
  image.src = address;
  const dispose = (): void => URL.revokeObjectURL(address);
  try {
    await image.decode();
  } catch {
    dispose();
    signal.throwIfAborted();
    throw failed("damaged");
  }
  return {
    pages: 1,
    draw: async () => {
      host.append(image);
    },
    dispose,
  };
}
