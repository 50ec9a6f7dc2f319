/** PDF by pdf.js on a canvas: shown means that the page was drawn. */
import * as pdfjs from "pdfjs-dist/legacy/build/pdf.mjs";
import { workerAt } from "../../lib/trusted";
import { fitOf } from "./fit";
import { failed, fetchDocument, type LoadFailure, type Source, statusFailure } from "./load";
import type { Prepared } from "./prepared";

const WORKER_URL = `${__PDFJS_BASE__}pdf.worker.min.mjs`;

const SETTLED_MS = 150;

/** One worker for all documents, started before the first one comes. */
let worker: pdfjs.PDFWorker | null = null;

export function warmUp(): void {
  if (worker && !worker.destroyed) return;
  const port = workerAt(WORKER_URL);
  const made = pdfjs.PDFWorker.create({ port });
  // One that couldn't be loaded, or broke down, stands in nobody's way: the next document gets another.
  port.addEventListener("error", () => {
    made.destroy();
    port.terminate();
  });
  worker = made;
}

export async function preparePdf(source: Source, host: HTMLElement, signal: AbortSignal): Promise<Prepared> {
  warmUp();
  const from = source.bytes ? { data: await bytesOf(source, signal) } : { url: source.url };
  const task = pdfjs.getDocument({
    ...from,
    worker: worker ?? undefined,
    withCredentials: false,
    cMapUrl: `${__PDFJS_BASE__}cmaps/`,
    standardFontDataUrl: `${__PDFJS_BASE__}standard_fonts/`,
    wasmUrl: `${__PDFJS_BASE__}wasm/`,
    iccUrl: `${__PDFJS_BASE__}iccs/`,
  });
  const cancel = (): void => void task.destroy();
  signal.addEventListener("abort", cancel, { once: true });
  try {
    return new PdfPages(await task.promise, task, host);
  } catch (error) {
    signal.throwIfAborted();
    throw failureOf(error);
  }
}

async function bytesOf(source: Source, signal: AbortSignal): Promise<Uint8Array> {
  return new Uint8Array(await (await fetchDocument(source, signal)).arrayBuffer());
}

function failureOf(error: unknown): LoadFailure {
  const { name = "", message = "", status } = error as { name?: string; message?: string; status?: number };
  if (name === "ResponseException" && status) return statusFailure(status);
  if (name === "ResponseException") return failed("unreachable");
  if (name === "InvalidPDFException") return failed(/empty/i.test(message) ? "empty" : "damaged");
  if (name === "PasswordException") return failed("password protected");
  return failed(/fetch|network/i.test(message) ? "unreachable" : "damaged");
}

class PdfPages implements Prepared {
  readonly pages: number;
  steps = 1;
  step = 0;
  onMoved = (): void => {};
  private readonly pdf: pdfjs.PDFDocumentProxy;
  private readonly task: pdfjs.PDFDocumentLoadingTask;
  private readonly host: HTMLElement;
  private readonly resize: ResizeObserver;
  private canvas: HTMLCanvasElement | null = null;
  private rendering: pdfjs.RenderTask | null = null;
  private page = 1;
  private drawn = "";
  private settle: ReturnType<typeof setTimeout> | undefined;

  constructor(pdf: pdfjs.PDFDocumentProxy, task: pdfjs.PDFDocumentLoadingTask, host: HTMLElement) {
    this.pdf = pdf;
    this.task = task;
    this.host = host;
    this.pages = pdf.numPages;
    // The sheet is scaled at once by its style and drawn sharp again when the size has settled.
    this.resize = new ResizeObserver(() => this.redrawSoon());
  }

  private redrawSoon(): void {
    clearTimeout(this.settle);
    this.settle = setTimeout(() => {
      // A page that is being turned is drawn for the new size afterwards.
      if (this.rendering) this.redrawSoon();
      else this.draw(this.page, this.step).then(this.onMoved, () => {});
    }, SETTLED_MS);
  }

  async draw(number: number, step: number): Promise<void> {
    this.rendering?.cancel();
    const page = await this.pdf.getPage(number).catch(() => Promise.reject(failed("damaged")));
    const natural = page.getViewport({ scale: 1 });
    const monitor = { width: this.host.clientWidth, height: this.host.clientHeight };
    const fit = fitOf(natural, monitor);
    const at = Math.min(step, fit.tops.length - 1);
    const drawing = `${number} ${at} ${monitor.width}×${monitor.height}`;
    if (drawing === this.drawn) return;
    const sharp = Math.max(1, devicePixelRatio);
    // Only what is seen of the page, so that a long one needs no larger canvas than any other.
    const viewport = page.getViewport({
      scale: (fit.width / natural.width) * sharp,
      offsetY: -(fit.tops[at] ?? 0) * sharp,
    });
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.floor(fit.width * sharp));
    canvas.height = Math.max(1, Math.floor(Math.min(fit.height, monitor.height) * sharp));
    const rendering = page.render({ canvas, viewport });
    this.rendering = rendering;
    try {
      await rendering.promise;
    } catch (error) {
      if (error instanceof pdfjs.RenderingCancelledException) throw new DOMException("Replaced", "AbortError");
      throw failed("damaged");
    } finally {
      if (this.rendering === rendering) this.rendering = null;
    }
    if (this.canvas) this.canvas.replaceWith(canvas);
    else this.host.append(canvas);
    if (!this.canvas) this.resize.observe(this.host);
    this.canvas = canvas;
    this.drawn = drawing;
    this.page = number;
    this.step = at;
    this.steps = fit.tops.length;
  }

  dispose(): void {
    clearTimeout(this.settle);
    this.resize.disconnect();
    this.rendering?.cancel();
    void this.task.destroy();
  }
}
