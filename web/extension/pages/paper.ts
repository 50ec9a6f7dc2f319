/** The document on this page's monitor: has drawn what the worker has put there for it, and tells when it is to be seen. */
import { effect, signal } from "@preact/signals";
import { LoadFailure } from "../../src/station/viewer/load";
import { NOWHERE, type Spot } from "../../src/station/viewer/viewer";
import type { OfDocument } from "../../src/viewer/talk";
import { tell, view } from "../port";
import type { Paper as Asked } from "../view";
import { originOf } from "../worker/address";
import { ViewerFrame } from "./frame";
import { fetchStranger } from "./strangers";

/** A viewer answers within 8 s, unless its document keeps it from everything: then another takes its place. */
const ANSWERS_MS = 8_600;

const LOOK_MS = 5_000;

export class Paper {
  readonly element = document.createElement("div");
  readonly spot = signal<Spot>(NOWHERE);
  /** Whether the document that the worker asks for stands on this page, a moment before the worker knows. */
  readonly isDrawn = signal(false);

  private frame: ViewerFrame | null = null;
  /** Whose viewer it is, and of which version. */
  private served = "";
  private asked: Asked | null = null;
  private fetching = new AbortController();
  private patience: ReturnType<typeof setTimeout> | undefined;

  /** `index` of the monitor; null for a page that lies over another and has no documents. */
  constructor(index: number | null) {
    this.element.className = "documents";
    if (index === null) return;
    setInterval(() => void this.look(), LOOK_MS);
    effect(() => this.follow(view.value?.papers[index] ?? null));
  }

  turn(way: 1 | -1): void {
    this.frame?.say({ do: "turn", way });
  }

  private follow(asked: Asked | null): void {
    if (view.value === null) return;
    if (view.value.phase.kind === "paired") this.viewer(); // so that the first document doesn't wait for it
    if ((asked?.load ?? null) === (this.asked?.load ?? null)) return;
    this.end();
    this.asked = asked;
    if (asked) void this.draw(asked);
    else this.frame?.say({ do: "close" });
  }

  private async draw(asked: Asked): Promise<void> {
    const { load, sheet, keep } = asked;
    const { signal: abort } = this.fetching;
    this.patience = setTimeout(() => this.broke(load, "CLIENT_FAILED", "the viewer doesn't answer", true), ANSWERS_MS);
    try {
      const base = view.value?.appliance?.base;
      const isOwn = originOf(sheet.url) === base;
      const stranger = isOwn ? null : await fetchStranger(sheet.url, abort);
      if (this.asked !== asked) return;
      if (!isOwn && stranger === null) {
        this.end();
        tell({ did: "decline", load });
        return;
      }
      const frame = await this.awake();
      if (this.asked !== asked) return;
      const { bytes = null, contentType = sheet.contentType } = stranger ?? {};
      frame.say({ do: "open", load, sheet: { ...sheet, contentType }, keep, bytes });
    } catch (error) {
      if (this.asked !== asked) return;
      if (error instanceof LoadFailure) this.broke(load, error.code, error.detail, false);
      else this.broke(load, "CLIENT_FAILED", String(error), true);
    }
  }

  /** A viewer that answers. Rejects where there is none to be had. */
  private async awake(): Promise<ViewerFrame> {
    // One that was under way as the appliance began to answer may have come to nothing.
    await this.viewer()?.begun.catch(() => {});
    const frame = this.viewer();
    if (!frame) throw new Error("no appliance is known");
    await frame.begun;
    if (await frame.answers()) return frame;
    this.lose(frame);
    const another = this.viewer();
    await another?.begun;
    return another ?? frame;
  }

  /** What stands on the monitor is there as long as its viewer is. */
  private async look(): Promise<void> {
    const { frame, asked } = this;
    if (!frame || !asked || !this.isDrawn.value || (await frame.answers()) || (await frame.answers())) return;
    if (this.asked === asked) this.broke(asked.load, "CLIENT_FAILED", "the viewer is gone", true);
  }

  private lose(frame: ViewerFrame): void {
    frame.remove();
    if (this.frame === frame) this.frame = null;
  }

  /** The appliance's viewer, another one where it has moved or was renewed. */
  private viewer(): ViewerFrame | null {
    const { base, version } = view.value?.appliance ?? { base: "", version: "" };
    const served = `${base} ${version}`;
    if (base && (this.frame === null || this.frame.isLost || this.served !== served)) {
      this.frame?.remove();
      const frame = new ViewerFrame(base);
      frame.onSaid = (said) => this.hear(said);
      this.frame = frame;
      this.served = served;
      this.element.append(frame.element);
    }
    return this.frame;
  }

  private hear(said: OfDocument): void {
    if (said.did === "turn") {
      this.spot.value = said.spot;
    } else if (said.load === this.asked?.load) {
      if (said.did === "place") {
        this.isDrawn.value = true;
      } else if (said.did === "show") {
        clearTimeout(this.patience);
        tell({ did: "draw", load: said.load });
      } else if (said.did === "stray") {
        tell({ did: "stray", load: said.load });
      } else {
        this.broke(said.load, said.code, said.detail, false);
      }
    }
  }

  private broke(load: string, code: string, detail: string, isViewerLost: boolean): void {
    this.end();
    if (isViewerLost && this.frame) this.lose(this.frame);
    tell({ did: "break", load, code, detail });
  }

  /** Nothing is being drawn, and what was counts no longer. */
  private end(): void {
    clearTimeout(this.patience);
    this.fetching.abort();
    this.fetching = new AbortController();
    this.isDrawn.value = false;
  }
}
