/** The head of the extension's pages: the mark, and the state as a pill. */

import { Mark } from "../../../src/ui/icons";
import type { Look } from "../../../src/ui/states";
import { Pill } from "../../../src/ui/states";

export function Bar({ look }: { look: Look | null }) {
  return (
    <header class="bar">
      <Mark size={24} />
      Vooster
      {look && <Pill look={look} />}
    </header>
  );
}
