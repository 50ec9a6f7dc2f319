/** The viewer that the appliance serves, in a frame: documents are drawn in its process, not in the extension's. */
import { pause } from "../../src/lib/pause";
import type { FromViewer, OfDocument, ToViewer } from "../../src/viewer/talk";

/** So long an appliance's page may take to come, and to say so once whatever came is there. */
const COMES_MS = 4_000;
const SAYS_MS = 1_000;
const ANSWERS_MS = 1_500;
const LOOK_MS = 5;

export class ViewerFrame {
  readonly element = document.createElement("iframe");
  /** Rejects where nothing comes that knows how to draw. */
  readonly begun: Promise<void>;
  onSaid: (said: OfDocument) => void = () => {};
  /** Nothing came, or nothing that knows how to draw: another has to be tried. */
  isLost = false;

  private readonly origin: string;
  private heardAt = 0;
  private readonly hear: (event: MessageEvent<FromViewer>) => void;

  /** `origin` is the appliance's. Nothing loads before the element is in the page. */
  constructor(origin: string) {
    this.origin = origin;
    const { element } = this;
    element.className = "viewer";
    element.title = "Vooster";
    // Its own origin and scripts, and nothing that reaches beyond the frame.
    element.setAttribute("sandbox", "allow-scripts allow-same-origin");
    element.src = `${origin}/viewer`;
    let begin = (): void => {};
    this.begun = new Promise((begun, broken) => {
      const lose = (): void => broken(new Error("the appliance serves no viewer"));
      begin = begun;
      setTimeout(lose, COMES_MS);
      element.addEventListener("load", () => setTimeout(lose, SAYS_MS), { once: true });
    });
    this.begun.catch(() => {
      this.isLost = true;
    });
    this.hear = ({ source, origin: from, data }) => {
      if (source === null || source !== element.contentWindow || from !== origin) return;
      this.heardAt = performance.now();
      if (data.did === "begin") begin();
      else if (data.did !== "answer") this.onSaid(data);
    };
    addEventListener("message", this.hear);
  }

  say(message: ToViewer): void {
    this.element.contentWindow?.postMessage(message, this.origin);
  }

  /** Whether its process answers: a document may have brought it down, or keep it from everything. */
  async answers(): Promise<boolean> {
    const asked = performance.now();
    this.say({ do: "answer" });
    while (this.heardAt < asked && performance.now() - asked < ANSWERS_MS) await pause(LOOK_MS);
    return this.heardAt >= asked;
  }

  remove(): void {
    removeEventListener("message", this.hear);
    this.element.remove();
  }
}
