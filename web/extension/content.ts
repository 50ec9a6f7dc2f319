/**
 * On pages of an appliance that this extension serves: says that it is there, and passes a pairing on that a person has
 * asked for. The page may be anybody's; who it is the worker sees for itself, and a person is asked there.
 */
import type { HandOff } from "./view";

const HELLO = "vooster:extension";
const ASK = "vooster:extension?";
const HAND_OFF = "vooster:handoff";

// One file without imports: Chrome takes no modules here. Who is served the worker says; elsewhere this keeps quiet.
const LOCAL =
  /^([^.:]+|.+\.local|(10|127)(\.\d+){3}|(192\.168|169\.254|172\.(1[6-9]|2\d|3[01]))(\.\d+){2}|\[(::1|f[cd]|fe[89ab]).*\])$/;

/** Whether this page may be an appliance's: it is of this network, or where IT has said that one is. */
async function isServed(): Promise<boolean> {
  if (LOCAL.test(location.hostname)) return true;
  const { address } = await chrome.storage.managed.get("address");
  if (typeof address !== "string") return false;
  const set = address.trim();
  return new URL(/^https?:/i.test(set) ? set : `http://${set}`).hostname === location.hostname;
}

function say(): void {
  const { version } = chrome.runtime.getManifest();
  document.dispatchEvent(new CustomEvent(HELLO, { detail: JSON.stringify({ version }) }));
}

function pass(event: Event): void {
  try {
    const { screenId, token } = JSON.parse(String((event as CustomEvent).detail)) as Record<string, unknown>;
    const text = (value: unknown): string | null => (typeof value === "string" && value.length <= 512 ? value : null);
    const message: HandOff = { handoff: { origin: "", screenId: text(screenId), token: text(token) } };
    void chrome.runtime.sendMessage(message);
  } catch {
    // not ours to answer
  }
}

function serve(): void {
  document.addEventListener(ASK, say);
  document.addEventListener(HAND_OFF, pass);
  say();
}

void isServed().then(
  (yes) => yes && serve(),
  () => {}, // no policy, or none that can be read
);
