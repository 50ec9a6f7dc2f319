// One session with Vooster Appliance over a plain WebSocket that comes back by itself. For browsers, and for Node 22
// and later; before that, hand in the WebSocket of the package `ws`. It depends on nothing else.

const REPLACED = 4409;
const NO_CREDENTIAL = new Set([4401, 4403]);
const FIRST_WELCOME_MS = 10_000;
const GRACE_MS = 10_000;

/** Any error of the appliance in words for people: what happened, and what to do. */
export const inWords = (problem, language = "en") => `${problem.messages[language]} ${problem.action[language]}`;

/**
 * Opens the session and keeps it open.
 *
 * url    the appliance's address, http://...
 * token  answers the token to say hello with; token(true) answers a fresh one after the last was refused or as it
 *        ends. Throw an error with `final: true` where there is none to be had any more.
 * hello  what else the client says of itself: client, capabilities, restore, displays
 * on     functions by message type: { welcome(message) {}, navigate(message) {}, ... }
 * say    takes lines for people
 */
export function connect({ url, token, hello = {}, on = {}, say = () => {}, WebSocket = globalThis.WebSocket }) {
  let socket;
  let used;
  let refused = false;
  let attempt = 0;
  let lostAt = Date.now();
  let notBefore = 0;
  let heartbeatMs = 0;
  let silence;
  let retry;
  let ended = false;

  async function open() {
    try {
      const fresh = await token(refused);
      if (refused && fresh === used) return end("This credential is not accepted. Bring a new one.");
      [used, refused] = [fresh, false];
    } catch (error) {
      return error.final ? end(error.message) : again(`No token just now: ${error.message}`);
    }
    if (ended) return;
    const mine = new WebSocket(`ws${url.slice("http".length)}/ws`, "vooster.v1");
    socket = mine;
    mine.onopen = () => mine.send(JSON.stringify({ type: "hello", token: used, ...hello }));
    mine.onmessage = (event) => mine === socket && heard(JSON.parse(event.data));
    mine.onerror = () => {}; // a close follows
    mine.onclose = (event) => mine === socket && closed(event.code);
    listen(FIRST_WELCOME_MS);
  }

  function heard(message) {
    if (message.type === "welcome") {
      [attempt, lostAt, notBefore] = [0, 0, 0];
      heartbeatMs = message.heartbeatSeconds * 1000;
    }
    listen(heartbeatMs + GRACE_MS);
    if (message.type === "ping") {
      send({ type: "pong", t: message.t });
    } else if (message.type === "goodbye") {
      notBefore = message.reconnectAfterMs;
    } else if (message.type === "auth:expiring") {
      renew();
    } else if (message.type === "error") {
      say(`${message.code}: ${inWords(message)}`);
    }
    on[message.type]?.(message);
  }

  async function renew() {
    try {
      used = await token(true);
      send({ type: "auth", token: used });
    } catch (error) {
      say(`The token could not be renewed: ${error.message}`);
    }
  }

  // A line that has died without a word is noticed by its silence: the appliance says something every heartbeat.
  function listen(ms) {
    clearTimeout(silence);
    silence = setTimeout(() => {
      const dead = socket;
      closed(4408);
      dead.close();
    }, ms);
  }

  function closed(code) {
    clearTimeout(silence);
    socket = undefined;
    if (ended) return;
    if (code === REPLACED) return end("Another client took this screen's place.");
    refused = NO_CREDENTIAL.has(code);
    again(`Lost the connection (${code}).`);
  }

  // 100 ms, then half as much again each time, at most a second (five after a minute), with jitter, for ever.
  function again(why) {
    say(`${why} Trying again.`);
    lostAt ||= Date.now();
    const longest = Date.now() - lostAt < 60_000 ? 1_000 : 5_000;
    const delay = Math.min(longest, 100 * 1.5 ** attempt++) * (0.5 + Math.random() / 2);
    retry = setTimeout(open, Math.max(delay, notBefore));
    notBefore = 0;
  }

  function send(message) {
    if (socket?.readyState !== 1) return false;
    socket.send(JSON.stringify(message));
    return true;
  }

  function end(why) {
    if (why) say(why);
    ended = true;
    clearTimeout(retry);
    clearTimeout(silence);
    socket?.close(1000);
    socket = undefined;
    on.end?.(why);
  }

  open();
  return { send, close: () => end() };
}
