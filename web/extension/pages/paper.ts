/** The document on this page's monitor: draws what the worker has put there for it, and tells when it is to be seen. */
import { effect, signal } from "@preact/signals";
import { mayOpen } from "../../src/lib/webaddress";
import { LoadFailure } from "../../src/station/viewer/load";
import { NOWHERE, type Spot, Viewer } from "../../src/station/viewer/viewer";
import { tell, view } from "../port";
import type { Paper as Asked } from "../view";

const TURN_MS = 15_000;

export class Paper {
  readonly element = document.createElement("div");
  readonly spot = signal<Spot>(NOWHERE);
  /** Whether the document that the worker asks for stands on this page, a moment before the worker knows. */
  readonly isDrawn = signal(false);

  private readonly viewer: Viewer;
  private load: string | null = null;

  constructor(index: number) {
    this.element.className = "documents";
    this.viewer = new Viewer(this.element, TURN_MS, {
      refusalOf: (url, hosts) => (isOwn(url) || mayOpen(url, hosts) ? null : "DOCUMENT_URL_REFUSED"),
      isOwn,
    });
    this.viewer.onTurn = (spot) => {
      this.spot.value = spot;
    };
    this.viewer.onDrawn = () => {
      this.isDrawn.value = true;
    };
    // So that the first document doesn't wait for its viewer.
    void import("../../src/station/viewer/pdf").then((pdf) => pdf.warmUp());
    effect(() => this.follow(view.value?.papers[index] ?? null));
  }

  turn(way: 1 | -1): void {
    this.viewer.turn(way);
  }

  private follow(asked: Asked | null): void {
    if (view.value === null || (asked?.load ?? null) === this.load) return;
    this.load = asked?.load ?? null;
    this.isDrawn.value = false;
    if (asked) void this.draw(asked);
    else this.away();
  }

  private async draw({ load, sheet, keep, hosts }: Asked): Promise<void> {
    this.viewer.hosts = hosts;
    try {
      await this.viewer.open(sheet, keep);
      tell({ did: "draw", load });
    } catch (error) {
      if (this.load !== load) return; // another has taken its place
      this.away();
      const { code, detail } = error instanceof LoadFailure ? error : new LoadFailure("CLIENT_FAILED", String(error));
      tell({ did: "break", load, code, detail });
    }
  }

  private away(): void {
    this.viewer.close();
    this.isDrawn.value = false;
  }
}

function isOwn(url: string): boolean {
  return URL.canParse(url) && new URL(url).origin === view.value?.appliance?.base;
}
