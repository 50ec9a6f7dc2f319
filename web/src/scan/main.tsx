/** The scan page: a PC or a phone with a barcode scanner, which is a keyboard that ends with Enter. */
import "./scan.css";
import { render } from "preact";
import { App, soundOn } from "./App";
import { Desk } from "./desk";
import { Scanner } from "./session";
import { playFailed, playShown } from "./sound";
import { Stations } from "./stations";
import { ScanStore } from "./store";

const RETRY_MS = 3_000;

function storage(): Storage | null {
  try {
    return localStorage;
  } catch {
    return null;
  }
}

const scanner = new Scanner();
const desk = new Desk(new ScanStore(storage()), scanner);
desk.onEnd = (scan) => {
  if (!soundOn()) return;
  if (scan.outcome === "shown") playShown();
  else if (scan.outcome === "dead" || scan.outcome === "refused") playFailed();
};

/** Until the appliance has said who scans here, nothing that was kept is sent. */
async function begin(): Promise<void> {
  try {
    await scanner.check();
    desk.resume();
  } catch {
    setTimeout(() => void begin(), RETRY_MS);
  }
}

const root = document.getElementById("app");
if (root) render(<App desk={desk} scanner={scanner} stations={new Stations()} />, root);
void begin();
