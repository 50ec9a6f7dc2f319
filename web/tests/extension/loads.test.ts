import "../browser";
import assert from "node:assert/strict";
import { test } from "node:test";
import { Drawable, Loads, Overtaken } from "../../extension/worker/loads";
import { LoadFailure } from "../../src/station/viewer/load";

const URL_ = "http://10.0.0.9/order";
const OPTIONS = {
  mayLead: (url: string) => url.startsWith("http://10.0.0.9/"),
  isDrawn: (type: string) => type === "application/pdf",
};

function head(statusCode: number, headers: Record<string, string> = {}) {
  const responseHeaders = Object.entries(headers).map(([name, value]) => ({ name, value }));
  return { tabId: 1, requestId: "1", statusCode, responseHeaders } as chrome.webRequest.OnHeadersReceivedDetails;
}

function loading(url = URL_): { loads: Loads; loaded: Promise<string> } {
  const loads = new Loads();
  const { loaded } = loads.watch(1, url, OPTIONS);
  loads.asked({ tabId: 1, url, requestId: "1", timeStamp: Date.now() });
  return { loads, loaded };
}

test("a page is loaded once its own head has come and it is complete", async () => {
  const { loads, loaded } = loading();
  loads.completed({ tabId: 1, frameId: 0, url: URL_ }); // an error page looks complete, too
  loads.head(head(200, { "Content-Type": "text/html" }));
  loads.completed({ tabId: 1, frameId: 0, url: URL_ });
  assert.equal(await loaded, URL_);
});

test("answers without anything to show are failures", async () => {
  for (const answer of [
    head(404),
    head(503),
    head(204),
    head(200, { "Content-Length": "0" }),
    head(200, { "Content-Disposition": "attachment; filename=x" }),
  ]) {
    const { loads, loaded } = loading();
    loads.head(answer);
    await assert.rejects(loaded, (error) => error instanceof LoadFailure && error.code === "DOCUMENT_LOAD_FAILED");
  }
});

test("what the extension draws itself is told by its head, at the address it led to", async () => {
  const { loads, loaded } = loading();
  const redirectUrl = "http://10.0.0.9/order.pdf";
  loads.redirect({ tabId: 1, requestId: "1", redirectUrl } as chrome.webRequest.OnBeforeRedirectDetails);
  loads.head(head(200, { "Content-Type": "application/pdf" }));
  await assert.rejects(loaded, (error) => error instanceof Drawable && error.url === redirectUrl);
});

test("it doesn't lead to where nothing may be opened, neither while it loads nor afterwards", async () => {
  const { loads, loaded } = loading();
  const redirectUrl = "http://elsewhere.invalid/";
  loads.redirect({ tabId: 1, requestId: "1", redirectUrl } as chrome.webRequest.OnBeforeRedirectDetails);
  await assert.rejects(loaded, (error) => error instanceof LoadFailure && error.code === "DOCUMENT_URL_REFUSED");
  const settled = loading();
  settled.loads.head(head(200, { "Content-Type": "text/html" }));
  settled.loads.completed({ tabId: 1, frameId: 0, url: URL_ });
  await settled.loaded;
  const strayed: number[] = [];
  settled.loads.onStrayed = (tabId) => strayed.push(tabId);
  settled.loads.asked({ tabId: 1, url: redirectUrl, requestId: "2", timeStamp: Date.now() });
  assert.deepEqual(strayed, [1]);
});

test("another load in the same tab overtakes it, and the late word of the first isn't the second's", async () => {
  const { loads, loaded } = loading();
  const second = loads.watch(1, URL_, OPTIONS);
  await assert.rejects(loaded, Overtaken);
  loads.head(head(404)); // of the first request
  loads.asked({ tabId: 1, url: URL_, requestId: "2", timeStamp: Date.now() });
  loads.head({ ...head(200, { "Content-Type": "text/html" }), requestId: "2" });
  loads.completed({ tabId: 1, frameId: 0, url: URL_ });
  assert.equal(await second.loaded, URL_);
});
