"""The control: a relay that keeps nothing. `python -m tests.bench.control PORT`.

The same messages over the same library and event loop, without storage, credentials, look-ups, states or retries: what
is left is the price of moving a trigger from an HTTP request to a WebSocket at all.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import msgspec
import uvloop
from aiohttp import WSMsgType, web

_decode = msgspec.json.Decoder(dict[str, Any]).decode
_encode = msgspec.json.Encoder().encode
_screens: dict[str, web.WebSocketResponse] = {}


async def trigger(request: web.Request) -> web.Response:
    body = _decode(await request.read())
    screen_id, now = body["screenId"], time.time_ns() // 1_000_000
    delivery = f"{body['id']}:{screen_id}"
    navigate = {
        "type": "navigate",
        "id": delivery,
        "triggerId": body["id"],
        "orderId": body["orderId"],
        "url": f"http://{request.host}/documents/{body['orderId']}.html?until={now + 600_000}&signature={'0' * 43}",
        "title": body["orderId"],
        "contentType": "text/html",
        "displayIndex": 0,
        "seq": 1,
        "round": 1,
        "attempt": 1,
        "acceptedAt": now,
        "expiresAt": now + 600_000,
    }
    await _screens[screen_id].send_str(_encode(navigate).decode())
    answer = {"id": body["id"], "status": "accepted", "duplicate": False, "deliveries": [{"id": delivery}]}
    return web.Response(body=_encode(answer), status=202, headers={"Content-Type": "application/json"})


async def socket(request: web.Request) -> web.WebSocketResponse:
    found = web.WebSocketResponse(compress=False)
    await found.prepare(request)
    hello = _decode(await found.receive_str())
    _screens[hello["client"]["name"]] = found
    await found.send_str('{"type":"welcome"}')
    async for frame in found:
        if frame.type is WSMsgType.TEXT:
            _decode(frame.data)
    return found


async def serve(port: int) -> None:
    app = web.Application()
    app.add_routes([web.post("/api/trigger", trigger), web.get("/ws", socket)])
    await web._run_app(app, host="127.0.0.1", port=port, access_log=None, print=None, backlog=4096)


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
