/**
 * On pages of an appliance that this extension serves: says that it is there, and passes a pairing on that a person has
 * asked for. The page may be anybody's; who it is the worker sees for itself, and a person is asked there.
 */
import type { HandOff } from "./view";

const HELLO = "vooster:extension";
const ASK = "vooster:extension?";
const HAND_OFF = "vooster:handoff";

function say(): void {
  const { version } = chrome.runtime.getManifest();
  document.dispatchEvent(new CustomEvent(HELLO, { detail: JSON.stringify({ version }) }));
}

document.addEventListener(ASK, say);
document.addEventListener(HAND_OFF, (event) => {
  try {
    const { screenId, token } = JSON.parse(String((event as CustomEvent).detail)) as Record<string, unknown>;
    const text = (value: unknown): string | null => (typeof value === "string" && value.length <= 512 ? value : null);
    const message: HandOff = { handoff: { origin: "", screenId: text(screenId), token: text(token) } };
    void chrome.runtime.sendMessage(message);
  } catch {
    // not ours to answer
  }
});
say();
