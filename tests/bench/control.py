"""The control: a relay that keeps nothing. `python -m tests.bench.control PORT`.

The same messages over the same library and event loop, without storage, credentials, look-ups, states or retries: what
is left is the price of moving a trigger from its sender to a WebSocket, and the word that it is shown back, at all.
"""

from __future__ import annotations

import contextlib
import sys
import time
from typing import Any

import msgspec
import uvloop
from aiohttp import WSMsgType, web

from appliance.metrics import Histogram

_decode = msgspec.json.Decoder(dict[str, Any]).decode
_encode = msgspec.json.Encoder().encode
_screens: dict[str, web.WebSocketResponse] = {}
_senders: dict[str, web.WebSocketResponse] = {}
"""Who hears of a delivery's end besides its screen."""
_navigate = Histogram()
"""Received to written to the screen, ms."""


async def relay(body: dict[str, Any], host: str, sender: web.WebSocketResponse | None = None) -> dict[str, Any]:
    """Moves one trigger on; the answer is the contract's."""
    arrived, now = time.perf_counter(), time.time_ns() // 1_000_000
    screens = list(_screens) if body.get("target") == "*" else [body["screenId"]]
    deliveries = []
    for screen_id in screens:
        delivery = f"{body['id']}:{screen_id}"
        navigate = {
            "type": "navigate",
            "id": delivery,
            "triggerId": body["id"],
            "orderId": body["orderId"],
            "url": f"http://{host}/documents/{body['orderId']}.html?until={now + 600_000}&signature={'0' * 43}",
            "title": body["orderId"],
            "contentType": "text/html",
            "displayIndex": 0,
            "seq": 1,
            "round": 1,
            "attempt": 1,
            "acceptedAt": now,
            "expiresAt": now + 600_000,
        }
        if sender is not None:
            _senders[delivery] = sender
        await _screens[screen_id].send_str(_encode(navigate).decode())
        _navigate.observe((time.perf_counter() - arrived) * 1000)
        deliveries.append({"id": delivery, "screenId": screen_id, "state": "sent", "final": False})
    return {"id": body["id"], "status": "accepted", "duplicate": False, "deliveries": deliveries}


async def trigger(request: web.Request) -> web.Response:
    answer = await relay(_decode(await request.read()), request.host)
    return _json(answer, 202)


async def batch(request: web.Request) -> web.Response:
    bodies = _decode(await request.read())["triggers"]
    return _json({"results": [{"status": 202, "body": await relay(body, request.host)} for body in bodies]}, 200)


async def socket(request: web.Request) -> web.WebSocketResponse:
    found = web.WebSocketResponse(compress=False)
    await found.prepare(request)
    hello = _decode(await found.receive_str())
    if "displays" in hello:
        _screens[hello["client"]["name"]] = found
    await found.send_str('{"type":"welcome"}')
    async for frame in found:
        if frame.type is not WSMsgType.TEXT:
            continue
        message = _decode(frame.data)
        if message["type"] == "trigger":
            answer = {
                "type": "trigger:response",
                "id": message["id"],
                "success": True,
                "data": await relay(message, request.host, found),
            }
            await found.send_str(_encode(answer).decode())
        elif message.get("status") == "shown":
            await _ended(message, found)
    return found


async def _ended(ack: dict[str, Any], screen: web.WebSocketResponse) -> None:
    trigger_id, _, screen_id = ack["id"].rpartition(":")
    update = {
        "type": "delivery",
        "id": ack["id"],
        "triggerId": trigger_id,
        "screenId": screen_id,
        "state": "shown",
        "final": True,
        "display": ack["display"],
    }
    text = _encode(update).decode()
    sender = _senders.pop(ack["id"], None)
    for listener in (screen, sender):
        if listener is not None:
            with contextlib.suppress(ConnectionError):  # the sender may have gone
                await listener.send_str(text)


async def figures(_request: web.Request) -> web.Response:
    below, lines = 0, []
    for bound, count in zip((*_navigate.bounds, float("inf")), _navigate.counts, strict=True):
        below += count
        lines.append(f'vooster_navigate_seconds_bucket{{le="{bound / 1000:g}"}} {below}\n')
    return web.Response(text="".join(lines))


def _json(answer: dict[str, Any], status: int) -> web.Response:
    return web.Response(body=_encode(answer), status=status, headers={"Content-Type": "application/json"})


async def serve(port: int) -> None:
    app = web.Application()
    app.add_routes(
        [
            web.post("/api/trigger", trigger),
            web.post("/api/triggers", batch),
            web.get("/ws", socket),
            web.get("/metrics", figures),
        ]
    )
    await web._run_app(app, host="127.0.0.1", port=port, access_log=None, print=None, backlog=4096)


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
