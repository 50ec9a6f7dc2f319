/**
 * Draws documents for the extension, in a frame of its page: whatever a document does to its process, the extension's
 * worker is in another one. The page's policy lets nobody but the extension frame it.
 */
import "../station/station.css";
import { listen } from "../station/keys";
import { hidePointer } from "../station/room";
import { asFailure } from "../station/viewer/load";
import { Viewer } from "../station/viewer/viewer";
import type { FromViewer, ToViewer } from "./talk";

const TURN_MS = 15_000;
const EXTENSION = /^chrome-extension:\/\/[a-p]{32}$/;

const root = document.createElement("div");
root.className = "documents";
document.body.replaceChildren(root);

const viewer = new Viewer(root, TURN_MS);
let load = "";
let host = "";

function say(message: FromViewer): void {
  if (host) parent.postMessage(message, host);
}

async function open({ load: mine, sheet, keep, bytes }: Extract<ToViewer, { do: "open" }>): Promise<void> {
  load = mine;
  try {
    await viewer.open(sheet, keep, bytes);
    say({ did: "show", load: mine });
  } catch (error) {
    if (load !== mine) return; // another has taken its place
    viewer.close();
    const { code, detail } = asFailure(error);
    say({ did: "break", load: mine, code, detail });
  }
}

viewer.onDrawn = () => say({ did: "place", load });
viewer.onStrayed = () => say({ did: "stray", load });
viewer.onTurn = (spot) => say({ did: "turn", spot });
listen({ turn: (way) => viewer.turn(way), confirm: () => {} });
hidePointer(document.documentElement);

addEventListener("message", (event: MessageEvent<ToViewer>) => {
  if (event.source !== parent || !EXTENSION.test(event.origin)) return;
  host = event.origin;
  switch (event.data.do) {
    case "open":
      void open(event.data);
      break;
    case "close":
      load = "";
      viewer.close();
      break;
    case "turn":
      viewer.turn(event.data.way);
      break;
    case "answer":
      say({ did: "answer" });
  }
});

const [ancestor = ""] = location.ancestorOrigins ?? [];
if (EXTENSION.test(ancestor)) host = ancestor;
say({ did: "begin" });
// So that the first document doesn't wait for what draws it.
void import("../station/viewer/pdf").then((pdf) => pdf.warmUp());
