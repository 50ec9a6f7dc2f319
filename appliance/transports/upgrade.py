"""From a request to a socket of our own: the WebSocket handshake, and taking a connection out of aiohttp's hands."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
from collections.abc import Callable
from typing import Final

from aiohttp import hdrs, web

from appliance.edge.lines import Line
from appliance.errors import Problem
from appliance.transports.own_socket import OwnSocket

_ACCEPT: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_VERSION: Final = "13"


async def upgrade(
    request: web.Request, make: Callable[[asyncio.Transport], OwnSocket], protocols: tuple[str, ...] = ()
) -> web.StreamResponse:
    """Answers a WebSocket handshake and gives the socket to the connection that `make` makes of it.

    Returns what the handler returns in the end. Raises `VALIDATION_ERROR` where it is no handshake, and
    `ConnectionResetError` where the client has gone meanwhile.
    """
    headers = request.headers
    response = web.StreamResponse(status=101)
    response.headers[hdrs.UPGRADE] = "websocket"
    response.headers[hdrs.CONNECTION] = "upgrade"
    response.headers[hdrs.SEC_WEBSOCKET_ACCEPT] = _accept(request)
    offered = [name.strip() for name in headers.get(hdrs.SEC_WEBSOCKET_PROTOCOL, "").split(",")]
    chosen = next((name for name in offered if name in protocols), None)
    if chosen is not None:
        response.headers[hdrs.SEC_WEBSOCKET_PROTOCOL] = chosen
    await response.prepare(request)
    wire = request.transport
    if wire is None:
        raise ConnectionResetError
    hand_over(request, wire, make(wire))
    return response


def hand_over(request: web.Request, wire: asyncio.Transport, reader: OwnSocket) -> None:
    """From now on the socket is `reader`'s alone; for aiohttp it is as if the client had gone."""
    handler = request.protocol
    if isinstance(handler, Line):
        reader.place = handler.give_place()
    handler.set_parser(reader)  # type: ignore[arg-type]
    wire.set_protocol(reader)
    handler.transport = None
    handler.connection_lost(None)


def _accept(request: web.Request) -> str:
    headers = request.headers
    upgrades = [word.strip().lower() for word in headers.get(hdrs.UPGRADE, "").split(",")]
    tokens = [word.strip().lower() for word in ",".join(headers.getall(hdrs.CONNECTION, ())).split(",")]
    if request.method != hdrs.METH_GET or "websocket" not in upgrades or "upgrade" not in tokens:
        raise Problem("VALIDATION_ERROR", "This address speaks WebSocket.")
    if headers.get(hdrs.SEC_WEBSOCKET_VERSION, "").strip() != _VERSION:
        raise Problem("VALIDATION_ERROR", f"This address speaks version {_VERSION} of WebSocket.")
    key = headers.get(hdrs.SEC_WEBSOCKET_KEY, "").strip()
    try:
        fits = len(base64.b64decode(key, validate=True)) == 16
    except (binascii.Error, ValueError):
        fits = False
    if not fits:
        raise Problem("VALIDATION_ERROR", "Sec-WebSocket-Key is 16 bytes in Base64.")
    digest = hashlib.sha1(key.encode() + _ACCEPT, usedforsecurity=False).digest()
    return base64.b64encode(digest).decode()
