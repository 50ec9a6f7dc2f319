/** The station's page: one monitor, no mouse, always on. */
import "./station.css";
import { render } from "preact";
import { lang, setLang } from "../lib/i18n";
import { App } from "./App";
import { listen } from "./keys";
import { drift, hidePointer, stayAwake } from "./room";
import { Station } from "./station";
import { Viewer } from "./viewer/viewer";

const TURN_SECONDS = 15;

/** `/display?lang=en&turn=20`: how a kiosk without hands is told its language and its pace. `turn=0`: by hand only. */
const asked = new URLSearchParams(location.search);
const wanted = asked.get("lang");
if ((wanted === "ko" || wanted === "en") && wanted !== lang.value) setLang(wanted);
const turn = Number(asked.get("turn") ?? TURN_SECONDS);

const documents = document.createElement("div");
documents.className = "documents";
const turnSeconds = Number.isFinite(turn) && turn >= 0 ? turn : TURN_SECONDS;
const station = new Station(new Viewer(documents, turnSeconds * 1000));

const root = document.getElementById("app");
if (root) render(<App station={station} documents={documents} />, root);
hidePointer(document.documentElement);
drift(document.documentElement);
stayAwake();
listen(station);
station.start();
// So that the first document doesn't wait for its viewer.
setTimeout(() => void import("./viewer/pdf").then((pdf) => pdf.warmUp()), 500);
