/** The service worker: Chrome's events, all listened to before anything is waited for, since each of them may wake it. */
import { type Command, type HandOff, PORT, type Report } from "../view";
import { Extension } from "./extension";
import { readKept } from "./kept";
import { Loads } from "./loads";
import { readPolicy } from "./policy";

/** Chrome's shortest. */
const ALARM_MINUTES = 0.5;
const SETTLE_MS = 400;

const loads = new Loads();
const ports = new Set<chrome.runtime.Port>();
let due = false;

/** Pages are told once for everything that changed in one go. */
function publish(): void {
  if (due) return;
  due = true;
  void ready.then((extension) => {
    due = false;
    const view = extension.view();
    for (const port of ports) port.postMessage(view);
  });
}

/** Content scripts connect, too, and theirs run beside anybody's page. */
function isOwnPage(sender: chrome.runtime.MessageSender | undefined): boolean {
  return sender?.id === chrome.runtime.id && sender.url?.startsWith(chrome.runtime.getURL("")) === true;
}

/** Nothing is answered before it has started: what is asked of it meanwhile waits. */
const ready: Promise<Extension> = readKept().then(async (kept) => {
  const extension = new Extension(kept, loads, publish);
  await extension.start(readPolicy());
  return extension;
});

const wake = (): void => void ready.then((extension) => extension.wake());
let settling: ReturnType<typeof setTimeout> | undefined;

loads.listen();
chrome.runtime.onStartup.addListener(wake);
chrome.runtime.onInstalled.addListener(wake);
chrome.alarms.onAlarm.addListener(wake);
void chrome.alarms.create("wake", { periodInMinutes: ALARM_MINUTES });
chrome.notifications.onClicked.addListener(() => void chrome.action.openPopup().catch(() => {}));
chrome.system.display.onDisplayChanged.addListener(() => {
  // A monitor that is pulled tells of itself several times, and the system moves windows meanwhile.
  clearTimeout(settling);
  settling = setTimeout(() => void ready.then((extension) => extension.workplace.reread()), SETTLE_MS);
});
chrome.windows.onRemoved.addListener(
  (windowId) => void ready.then((extension) => extension.workplace.windowClosed(windowId)),
);
chrome.runtime.onConnect.addListener((port) => {
  if (port.name !== PORT || !isOwnPage(port.sender)) return;
  ports.add(port);
  port.onDisconnect.addListener(() => ports.delete(port));
  port.onMessage.addListener((message: Command | Report) => {
    void ready.then((extension) => ("did" in message ? extension.papers.told(message) : extension.command(message)));
  });
  void ready.then((extension) => port.postMessage(extension.view()));
});
chrome.runtime.onMessage.addListener((message: HandOff, sender) => {
  if (sender.id !== chrome.runtime.id || !message.handoff || sender.frameId !== 0) return;
  // The browser knows where the page came from; the page only says so.
  const origin = sender.origin ?? "";
  void ready.then((extension) => extension.offers.handOff({ handoff: { ...message.handoff, origin } }));
});
chrome.storage.managed.onChanged.addListener(() => {
  void Promise.all([ready, readPolicy()]).then(([extension, policy]) => extension.managed.follow(policy));
});
addEventListener("online", wake);
