/** What the extension's page on a monitor and the viewer in its frame say to each other. */
import type { Sheet } from "../station/stage";
import type { Spot } from "../station/viewer/viewer";

/** `load` names one try to show a document; `bytes` is a stranger's document, which the viewer may not fetch. */
export type ToViewer =
  | { do: "open"; load: string; sheet: Sheet; keep: boolean; bytes: Blob | null }
  | { do: "close" }
  | { do: "answer" }
  | { do: "turn"; way: 1 | -1 };

export type FromViewer =
  | { did: "begin" }
  /** It was asked, and is alive. */
  | { did: "answer" }
  | OfDocument;

export type OfDocument =
  /** It is in its place, a frame before it is seen. */
  | { did: "place"; load: string }
  | { did: "show"; load: string }
  | { did: "break"; load: string; code: string; detail: string }
  /** What stood there leads itself to where nothing may be opened. */
  | { did: "stray"; load: string }
  | { did: "turn"; spot: Spot };
