/** One state of the popup as its parts: what it says above all, the rest of it, what can be pressed. */
import type { ComponentChildren } from "preact";

export type Content = {
  head: string;
  /** A line over the head: line and id. */
  above?: string;
  body: ComponentChildren;
  /** The one main deed, if there is one. */
  deed?: ComponentChildren;
  /** Smaller ones beside each other. */
  others?: ComponentChildren;
};
