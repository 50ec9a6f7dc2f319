// How long `connection.mjs` bears silence, by a clock that the test turns:  node silence.mjs connection.mjs

import { mock } from "node:test";
import { pathToFileURL } from "node:url";

const { connect } = await import(pathToFileURL(process.argv[2]));
const turn = () => new Promise((resolve) => setImmediate(resolve));
let wire;
let closed = false;

class WebSocket {
  readyState = 1;
  constructor() {
    wire = this;
  }
  send() {}
  close() {
    closed = true;
  }
}

mock.timers.enable({ apis: ["setTimeout"] });
const token = () => "t";
connect({ url: "http://appliance", token, WebSocket });
await turn();
const hear = (message) => wire.onmessage({ data: JSON.stringify(message) });
const after = (what, seconds) => {
  mock.timers.tick(seconds * 1000);
  console.log(`after ${what}: ${closed ? "closed" : "open"}`);
};

wire.onopen();
hear({ type: "welcome", heartbeatSeconds: 20 });
after("29 s", 29);
hear({ type: "ping", t: 1 });
after("a ping and 29 s", 29);
after("30 s", 1);
process.exit(0);
