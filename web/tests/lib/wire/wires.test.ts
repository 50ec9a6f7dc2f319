import assert from "node:assert/strict";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { mock, test } from "node:test";
import type { Answer } from "../../../src/lib/wire/choice";
import { framesPass, type Socket } from "../../../src/lib/wire/websocket";
import { wiresTo } from "../../../src/lib/wire/wires";

class Way implements Pick<Socket, "readyState" | "send" | "close"> {
  readyState = 1 as const;
  sent: string[] = [];
  isClosed = false;
  onopen: Socket["onopen"] = null;
  onmessage: Socket["onmessage"] = null;
  onclose: Socket["onclose"] = null;
  onerror: Socket["onerror"] = null;

  send(text: unknown): void {
    this.sent.push(JSON.parse(String(text)).type);
  }
  close(): void {
    this.isClosed = true;
  }
}

test("frames pass where a first one is answered, and no session begins by asking", async () => {
  const way = new Way();
  const passed = framesPass(() => way);
  way.onopen?.({} as Event);
  assert.deepEqual(way.sent, ["ping"]);
  way.onmessage?.({ data: '{"type":"error"}' } as MessageEvent);
  assert.equal(await passed, true);
  assert.ok(way.isClosed);
});

test("frames don't pass a socket that is refused, that can't be made, or that stays silent", async () => {
  const refused = new Way();
  const first = framesPass(() => refused);
  refused.onclose?.({ code: 1006 } as CloseEvent);
  assert.equal(await first, false);

  const second = framesPass(() => {
    throw new Error("refused by policy");
  });
  assert.equal(await second, false);

  mock.timers.enable({ apis: ["setTimeout"] });
  const silent = new Way();
  const third = framesPass(() => silent, 4_000);
  silent.onopen?.({} as Event);
  mock.timers.tick(4_000);
  assert.equal(await third, false);
  assert.ok(silent.isClosed);
  mock.timers.reset();
});

async function asked(answer: RequestListener | null): Promise<Answer> {
  const server = createServer(answer ?? undefined);
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  if (!answer) server.close();
  try {
    return await wiresTo({ base }).answers();
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

test("only the appliance's own answer counts as plain HTTP that works", async () => {
  const product = (name: string, status = 400): RequestListener => {
    return (request, response) => {
      if (request.url === "/ws") response.writeHead(status).end();
      else response.end(JSON.stringify({ product: name }));
    };
  };
  assert.equal(await asked(product("vooster")), "well");
  assert.equal(await asked(product("router")), "none");
  assert.equal(await asked((_request, response) => response.writeHead(502).end()), "none");
  assert.equal(await asked((_request, response) => response.end("<html>sign in to the network</html>")), "none");
  assert.equal(await asked(null), "none");
  assert.equal(await asked((_request, response) => response.writeHead(503).end()), "busy");
  assert.equal(await asked(product("vooster", 429)), "busy", "too many wait before the WebSocket");
});
