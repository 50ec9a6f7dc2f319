/** Pictures, SVG included, as an image element: decoded before it counts as shown, and without any script. */
import { fitOf } from "./fit";
import { failed, fetchDocument, type Source } from "./load";
import type { Prepared } from "./prepared";

export async function prepareImage(
  source: Source,
  contentType: string,
  host: HTMLElement,
  signal: AbortSignal,
): Promise<Prepared> {
  const blob = await fetchDocument(source, signal);
  const address = URL.createObjectURL(new Blob([blob], { type: contentType }));
  const image = new Image();
  image.alt = "";
  image.src = address;
  try {
    await image.decode();
  } catch {
    URL.revokeObjectURL(address);
    signal.throwIfAborted();
    throw failed("damaged");
  }
  return new Picture(image, host);
}

class Picture implements Prepared {
  readonly pages = 1;
  steps = 1;
  step = 0;
  onMoved = (): void => {};
  private readonly image: HTMLImageElement;
  private readonly host: HTMLElement;
  private readonly resize = new ResizeObserver(() => {
    this.place(this.step);
    this.onMoved();
  });

  constructor(image: HTMLImageElement, host: HTMLElement) {
    this.image = image;
    this.host = host;
  }

  async draw(_number: number, step: number): Promise<void> {
    this.place(step);
    if (this.image.isConnected) return;
    this.host.append(this.image);
    this.resize.observe(this.host);
  }

  dispose(): void {
    this.resize.disconnect();
    URL.revokeObjectURL(this.image.src);
  }

  private place(step: number): void {
    const { naturalWidth: width, naturalHeight: height, style } = this.image;
    const monitor = { width: this.host.clientWidth, height: this.host.clientHeight };
    // A drawing without a size of its own takes the monitor's.
    const { tops, height: long } = width && height ? fitOf({ width, height }, monitor) : { tops: [0], height: 0 };
    this.steps = tops.length;
    this.step = Math.min(step, tops.length - 1);
    style.height = tops.length > 1 ? `${long}px` : "";
    style.top = tops.length > 1 ? `${-(tops[this.step] ?? 0)}px` : "";
  }
}
