/**
 * What became of a document that a tab was sent to. A tab tells of neither a 404 nor a download nor a dead link: it looks
 * loaded in each case. So the answer's own head is looked at, and the browser's word on what went wrong.
 */
import { isSamePage } from "./address";

export class LoadFailure extends Error {
  readonly code: "DOCUMENT_LOAD_FAILED" | "DISPLAY_NOT_AVAILABLE" | "DOCUMENT_URL_REFUSED" | "CLIENT_FAILED";

  constructor(code: LoadFailure["code"], detail: string) {
    super(detail);
    this.code = code;
  }
}

type Frame = { tabId: number; frameId: number; url: string };

/** Another document took its place, or nobody wants it any more: there is nothing to say about this one. */
export class Overtaken extends Error {}

/** `mayLead` is asked where the address leads on to another one. */
type Watch = {
  url: string;
  at: "committed" | "completed";
  mayLead(url: string): boolean;
  done(): void;
  failed(error: Error): void;
};
type WatchOptions = Partial<Pick<Watch, "at" | "mayLead">> & { patience?: number };

/** Less than the appliance waits for `shown`, so that it learns the reason rather than a time-out. */
const LOAD_MS = 9_000;
/** What the browser says of an address that a newer one took the place of, and of one that became a download. */
const ABORTED = "net::ERR_ABORTED";

export class Loads {
  private readonly watches = new Map<number, Watch>();

  /**
   * Resolves when `url` has loaded in the tab, with the address it led to. Whatever was watched there before is
   * overtaken. Begin before the load.
   */
  watch(tabId: number, url: string, options: WatchOptions = {}): Promise<string> {
    const { at = "completed", mayLead = () => true, patience = LOAD_MS } = options;
    this.drop(tabId);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        end();
        reject(new LoadFailure("DOCUMENT_LOAD_FAILED", `not loaded within ${patience / 1000} s`));
      }, patience);
      const end = (): void => {
        clearTimeout(timer);
        if (this.watches.get(tabId) === watch) this.watches.delete(tabId);
      };
      const watch: Watch = {
        url,
        at,
        mayLead,
        done: () => {
          end();
          resolve(watch.url);
        },
        failed: (error) => {
          end();
          reject(error);
        },
      };
      this.watches.set(tabId, watch);
    });
  }

  /** Nothing more is said about what this tab was loading. */
  drop(tabId: number): void {
    this.watches.get(tabId)?.failed(new Overtaken());
  }

  /** The head of an answer to a tab's own address (not to its parts). */
  head({ tabId, statusCode, responseHeaders = [] }: chrome.webRequest.OnHeadersReceivedDetails): void {
    const watch = this.watches.get(tabId);
    if (!watch) return;
    const header = (name: string): string =>
      responseHeaders.find((one) => one.name.toLowerCase() === name)?.value?.toLowerCase() ?? "";
    if (statusCode >= 400 || statusCode === 204 || statusCode === 205) {
      watch.failed(new LoadFailure("DOCUMENT_LOAD_FAILED", `answered ${statusCode}`));
    } else if (header("content-disposition").startsWith("attachment")) {
      watch.failed(new LoadFailure("DOCUMENT_LOAD_FAILED", "sent as a download"));
    }
  }

  /** Another address answers for a tab's own. */
  redirect({ tabId, url, redirectUrl }: chrome.webRequest.OnBeforeRedirectDetails): void {
    const watch = this.watches.get(tabId);
    if (!watch || !isSamePage(url, watch.url)) return;
    if (watch.mayLead(redirectUrl)) watch.url = redirectUrl;
    else watch.failed(new LoadFailure("DOCUMENT_URL_REFUSED", "it leads to an address that may not be opened"));
  }

  /** The browser gave up on a tab's address. */
  error({ tabId, frameId, url, error }: chrome.webNavigation.WebNavigationFramedErrorCallbackDetails): void {
    const watch = this.watches.get(tabId);
    if (!watch || frameId !== 0) return;
    if (error !== ABORTED) watch.failed(new LoadFailure("DOCUMENT_LOAD_FAILED", error.replace(/^net::/, "")));
    else if (isSamePage(url, watch.url)) watch.failed(new LoadFailure("DOCUMENT_LOAD_FAILED", "became a download"));
  }

  /** A tab's main frame is there, or complete. */
  reached(at: Watch["at"], { tabId, frameId, url }: Frame): void {
    const watch = this.watches.get(tabId);
    if (watch?.at === at && frameId === 0 && isSamePage(url, watch.url)) watch.done();
  }

  closed(tabId: number): void {
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
    chrome.webRequest.onBeforeRedirect.addListener((details) => this.redirect(details), pages);
    chrome.webNavigation.onErrorOccurred.addListener((details) => this.error(details));
    chrome.webNavigation.onCommitted.addListener((details) => this.reached("committed", details));
    chrome.webNavigation.onCompleted.addListener((details) => this.reached("completed", details));
    chrome.tabs.onRemoved.addListener((tabId) => this.closed(tabId));
  }
}
