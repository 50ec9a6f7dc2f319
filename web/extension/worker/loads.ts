/**
 * What became of a document that a tab was sent to. A tab tells of neither a 404 nor a download nor a dead link: it looks
 * loaded in each case. So the answer's own head is looked at, and the browser's word on what went wrong.
 */
import { LoadFailure, ledAstray, failed as notLoaded } from "../../src/station/viewer/load";
import { isSamePage } from "./address";

type Request = { tabId: number; url: string; requestId: string; timeStamp: number };
type Frame = { tabId: number; frameId: number; url: string };

/** Another document took its place, or nobody wants it any more: there is nothing to say about this one. */
export class Overtaken extends Error {}

/** It answers with something that the extension draws itself: nothing more is awaited of the tab. */
export class Drawable extends Error {
  readonly url: string;
  readonly contentType: string;

  constructor(url: string, contentType: string) {
    super(contentType);
    this.url = url;
    this.contentType = contentType;
  }
}

export type WatchOptions = {
  /** Whether an address that it leads on to may be opened. */
  mayLead(url: string): boolean;
  /** Whether what answers with this type is drawn by the extension rather than by the tab. */
  isDrawn(contentType: string): boolean;
  /** In ms. */
  patience?: number;
};

const ANYTHING: WatchOptions = { mayLead: () => true, isDrawn: () => false };

type Watch = Pick<WatchOptions, "mayLead" | "isDrawn"> & {
  url: string;
  /** When it began, and the request that came of it: the late word of an earlier load of the same address isn't its. */
  began: number;
  requestId: string | null;
  /** An answer has come that may be shown. The extension's own pages need none. */
  isAnswered: boolean;
  committed(): void;
  done(): void;
  failed(error: Error): void;
};

export type Load = {
  /** What stood there before is gone; also where it is settled that nothing comes. */
  committed: Promise<void>;
  /** The address it led to. Rejects with a LoadFailure, with Drawable, or with Overtaken. */
  loaded: Promise<string>;
};

/** Less than the appliance waits for `shown`, so that it learns the reason rather than a time-out. */
export const LOAD_MS = 9_000;
/** The browser's clocks for what it tells and for scripts may differ by so much. */
const CLOCK_MS = 5;
/** What the browser says of an address that a newer one took the place of, and of one that became a download. */
const ABORTED = "net::ERR_ABORTED";

export class Loads {
  /** A document that stands in a tab leads itself to an address that may not be opened. */
  onStrayed: (tabId: number) => void = () => {};

  private readonly watches = new Map<number, Watch>();
  /** Of tabs in which a document stands: where it may lead itself. */
  private readonly settled = new Map<number, WatchOptions["mayLead"]>();

  /** What becomes of `url` in the tab. Whatever was watched there before is overtaken. Begin before the load. */
  watch(tabId: number, url: string, { mayLead, isDrawn, patience = LOAD_MS }: WatchOptions = ANYTHING): Load {
    this.drop(tabId);
    this.settled.delete(tabId);
    let committed = (): void => {};
    const isCommitted = new Promise<void>((resolve) => {
      committed = resolve;
    });
    const loaded = new Promise<string>((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer);
        committed();
        if (this.watches.get(tabId) === watch) this.watches.delete(tabId);
      };
      const failed = (error: Error): void => {
        end();
        reject(error);
      };
      const watch: Watch = {
        url,
        began: Date.now(),
        requestId: null,
        isAnswered: !url.startsWith("http"),
        mayLead,
        isDrawn,
        committed,
        done: () => {
          end();
          if (watch.requestId !== null) this.settle(tabId, mayLead);
          resolve(watch.url);
        },
        failed,
      };
      const late = notLoaded("not loaded in time");
      const timer = setTimeout(() => failed(late), Math.max(0, patience));
      this.watches.set(tabId, watch);
    });
    loaded.catch(() => {}); // whoever only waits for the old document to go hears of it elsewhere
    return { committed: isCommitted, loaded };
  }

  /** A document stands in the tab, and may lead itself to these addresses alone. */
  settle(tabId: number, mayLead: WatchOptions["mayLead"]): void {
    this.settled.set(tabId, mayLead);
  }

  /** Nothing more is said about what this tab was loading. */
  drop(tabId: number): void {
    this.watches.get(tabId)?.failed(new Overtaken());
  }

  /** A tab asks for an address: what it was sent to, or where its document leads itself. */
  asked({ tabId, url, requestId, timeStamp }: Request): void {
    const watch = this.watches.get(tabId);
    if (!watch) {
      const mayLead = this.settled.get(tabId);
      if (mayLead && !mayLead(url)) this.onStrayed(tabId);
    } else if (isSamePage(url, watch.url) && timeStamp >= watch.began - CLOCK_MS) {
      watch.requestId = requestId;
    } else if (watch.isAnswered && watch.requestId !== null && watch.requestId !== requestId) {
      this.led(watch, url);
      watch.requestId = requestId;
      watch.isAnswered = false;
    }
  }

  /** The head of an answer to a tab's own address (not to its parts). */
  head({ tabId, requestId, statusCode, responseHeaders = [] }: chrome.webRequest.OnHeadersReceivedDetails): void {
    const watch = this.watches.get(tabId);
    if (!watch || watch.requestId !== requestId) return;
    const header = (name: string): string =>
      responseHeaders.find((one) => one.name.toLowerCase() === name)?.value?.toLowerCase() ?? "";
    const isLeading = statusCode >= 300 && statusCode < 400 && statusCode !== 304;
    if (statusCode >= 400 || statusCode === 204 || statusCode === 205) {
      watch.failed(notLoaded(`answered ${statusCode}`));
    } else if (header("content-disposition").startsWith("attachment")) {
      watch.failed(notLoaded("sent as a download"));
    } else if (!isLeading && header("content-length") === "0") {
      watch.failed(notLoaded("is empty"));
    } else if (!isLeading && watch.isDrawn(header("content-type"))) {
      watch.failed(new Drawable(watch.url, header("content-type")));
    } else {
      watch.isAnswered = !isLeading;
    }
  }

  /** Another address answers for a tab's own. */
  redirect({ tabId, requestId, redirectUrl }: chrome.webRequest.OnBeforeRedirectDetails): void {
    const watch = this.watches.get(tabId);
    if (watch?.requestId === requestId) this.led(watch, redirectUrl);
  }

  /** A document changes its own address and stays the same document. */
  renamed({ tabId, frameId, url }: Frame): void {
    const watch = this.watches.get(tabId);
    if (watch?.isAnswered && frameId === 0) this.led(watch, url);
  }

  private led(watch: Watch, url: string): void {
    if (watch.mayLead(url)) watch.url = url;
    else watch.failed(ledAstray());
  }

  /** The browser gave up on a tab's address. */
  error({ tabId, frameId, url, error }: chrome.webNavigation.WebNavigationFramedErrorCallbackDetails): void {
    const watch = this.watches.get(tabId);
    if (!watch || frameId !== 0 || !isSamePage(url, watch.url)) return;
    if (error !== ABORTED) watch.failed(notLoaded(error.replace(/^net::/, "")));
    else if (watch.isAnswered) watch.failed(notLoaded("became a download"));
  }

  /** A tab's main frame is there. */
  committed(frame: Frame): void {
    this.watched(frame)?.committed();
  }

  /** A tab's main frame is complete. */
  completed(frame: Frame): void {
    this.watched(frame)?.done();
  }

  private watched({ tabId, frameId, url }: Frame): Watch | undefined {
    const watch = this.watches.get(tabId);
    return watch?.isAnswered && frameId === 0 && isSamePage(url, watch.url) ? watch : undefined;
  }

  closed(tabId: number): void {
    this.settled.delete(tabId);
    this.watches.get(tabId)?.failed(new LoadFailure("CLIENT_FAILED", "its window was closed"));
  }

  /** Chrome forgets listeners that aren't there as the worker's script has run once: call it at once. */
  listen(): void {
    const pages = { urls: ["http://*/*", "https://*/*"], types: ["main_frame" as const] };
    chrome.webRequest.onHeadersReceived.addListener(
      (details) => {
        this.head(details);
        return undefined;
      },
      pages,
      ["responseHeaders"],
    );
    chrome.webRequest.onBeforeRequest.addListener((details) => {
      this.asked(details);
      return undefined;
    }, pages);
    chrome.webNavigation.onHistoryStateUpdated.addListener((details) => this.renamed(details));
    chrome.webNavigation.onReferenceFragmentUpdated.addListener((details) => this.renamed(details));
    chrome.webRequest.onBeforeRedirect.addListener((details) => this.redirect(details), pages);
    chrome.webNavigation.onErrorOccurred.addListener((details) => this.error(details));
    chrome.webNavigation.onCommitted.addListener((details) => this.committed(details));
    chrome.webNavigation.onCompleted.addListener((details) => this.completed(details));
    chrome.tabs.onRemoved.addListener((tabId) => this.closed(tabId));
  }
}
