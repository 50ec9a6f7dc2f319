"""A floor that isn't there: stations and a scanner, real clients of the appliance over its own port.

Nothing here takes a short cut. A station opens `/ws`, fetches the document it is told to show, looks whether it is
whole and says so; the scanner posts triggers with an API key. Only the people and the monitors are made up.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import time
import uuid
from dataclasses import dataclass
from typing import Any

import aiohttp
import msgspec

from appliance.relay.pairing import Pairing

RENEW_SECONDS = 60
"""A token with less left than this is renewed before it is used."""
OPEN_SECONDS = (0.15, 0.4)
"""How long a monitor takes to draw a document."""
AWAY_SECONDS = (6.0, 15.0)
ONE_IN_FAILS = 60
ONE_IN_MISREADS = 40
TROUBLE_SECONDS = (40.0, 80.0)
"""Between two stations that lose their network."""

_chance = random.SystemRandom()
_START_OF_XREF = re.compile(rb"startxref\s+(\d+)\s+%%EOF\s*\Z")


@dataclass(frozen=True)
class Document:
    body: bytes
    content_type: str

    @property
    def whole(self) -> bool:
        """Whether a monitor could draw it; of a PDF, whether its table of contents is where its end says it is."""
        if self.content_type != "application/pdf":
            return bool(self.body)
        end = _START_OF_XREF.search(self.body[-1024:])
        if end is None or not self.body.startswith(b"%PDF-"):
            return False
        return re.match(rb"xref|\d+ \d+ obj", self.body[int(end[1]) :][:32]) is not None


class Station:
    """One screen's client. `run` keeps it connected until it is cancelled."""

    def __init__(self, http: aiohttp.ClientSession, address: str, pairing: Pairing, name: str) -> None:
        self._http = http
        self._address = address
        self._name = name
        self._access, self._refresh = pairing.access_token, pairing.refresh_token
        self._good_until = time.monotonic() + pairing.expires_in
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._showing: asyncio.Task[None] | None = None
        self._shown: tuple[str, int] | None = None
        self._away = 0.0
        self.arrived = asyncio.Event()
        """Set once the appliance has said welcome."""

    async def run(self) -> None:
        while True:
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                await self._renew()
                await self._connected()
            await asyncio.sleep(self._away or _chance.uniform(0.1, 1.0))
            self._away = 0.0

    async def lose_network(self, seconds: float) -> None:
        """The connection ends without a word; the station comes back by itself."""
        if self._socket is not None:
            self._away = seconds
            await self._socket.close()

    async def _connected(self) -> None:
        async with self._http.ws_connect(self._address + "/ws", protocols=("vooster.v1",)) as socket:
            display = {"index": 0, "name": self._name, "bounds": {"x": 1920, "y": 0, "width": 1920, "height": 1080}}
            hello = {
                "type": "hello",
                "token": self._access,
                "client": {"name": "Vooster demo", "version": "1"},
                "capabilities": ["shown"],
                "displays": [display],
            }
            await _send(socket, hello)
            self._socket = socket
            try:
                async for frame in socket:
                    if frame.type is aiohttp.WSMsgType.TEXT:
                        await self._heard(socket, msgspec.json.decode(frame.data))
            finally:
                self._socket = None
                if self._showing is not None:
                    self._showing.cancel()

    async def _heard(self, socket: aiohttp.ClientWebSocketResponse, message: dict[str, Any]) -> None:
        match message["type"]:
            case "welcome":
                self.arrived.set()
            case "navigate":
                if self._showing is not None:
                    self._showing.cancel()
                self._showing = asyncio.create_task(self._show(socket, message))
            case "ping":
                await _send(socket, {"type": "pong", "t": message["t"]})
            case "auth:expiring":
                await self._renew()
                await _send(socket, {"type": "auth", "token": self._access})

    async def _show(self, socket: aiohttp.ClientWebSocketResponse, message: dict[str, Any]) -> None:
        ack: dict[str, Any] = {"type": "ack", "id": message["id"]}
        await _send(socket, {**ack, "status": "received"})
        shown = message["id"], message["round"]
        if shown != self._shown:
            began = time.monotonic()
            document = await self._fetch(message["url"])
            if document is None or not document.whole:
                await _send(socket, {**ack, "status": "failed", "code": "DOCUMENT_LOAD_FAILED"})
                return
            await asyncio.sleep(max(0.0, began + _chance.uniform(*OPEN_SECONDS) - time.monotonic()))
        self._shown = shown
        evidence = {"index": message["displayIndex"], "name": self._name}
        await _send(socket, {**ack, "status": "shown", "display": evidence, "url": message["url"]})

    async def _fetch(self, url: str) -> Document | None:
        """The document; None when the network swallowed it, which happens now and then."""
        if _chance.randrange(ONE_IN_FAILS) == 0:
            return None
        try:
            async with self._http.get(url) as response:
                return Document(await response.read(), response.content_type) if response.status == 200 else None
        except (aiohttp.ClientError, TimeoutError):
            return None

    async def _renew(self) -> None:
        if self._good_until - time.monotonic() > RENEW_SECONDS + 5:
            return
        body = {"refreshToken": self._refresh}
        async with self._http.post(self._address + "/api/auth/refresh", json=body) as response:
            if response.status == 200:
                pair = await response.json()
                self._access, self._refresh = pair["accessToken"], pair["refreshToken"]
                self._good_until = time.monotonic() + pair["expiresIn"]


class Floor:
    """Stations, somebody who scans at them, and what goes wrong there now and then."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        address: str,
        pairings: list[Pairing],
        names: dict[str, str],
        *,
        key: str,
        orders: list[str],
        damaged: str,
        scans_per_minute: int,
    ) -> None:
        self._http = http
        self._address = address
        self._screens = [pairing.screen_id for pairing in pairings]
        self._stations = [Station(http, address, pairing, names[pairing.screen_id]) for pairing in pairings]
        self._key = key
        self._orders = orders
        self._damaged = damaged
        self._seconds = 60 / scans_per_minute

    async def run(self) -> None:
        """Works until it is cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for station in self._stations:
                tasks.create_task(station.run())
            tasks.create_task(self._scan())
            tasks.create_task(self._trouble())

    async def _scan(self) -> None:
        await asyncio.gather(*(station.arrived.wait() for station in self._stations))
        # In a queue, so that later scans wait for it instead of taking its place: it is to fail before the eyes.
        await self._trigger(self._damaged, self._screens[min(2, len(self._screens) - 1)], mode="queue")
        while True:
            order = _chance.choice(self._orders)
            if _chance.randrange(ONE_IN_MISREADS) == 0:
                order = order.removesuffix(order[-1]) + "O"
            await self._trigger(order, _chance.choice(self._screens))
            await asyncio.sleep(self._seconds * _chance.uniform(0.5, 1.5))

    async def _trigger(self, order: str, screen: str, mode: str = "latest") -> None:
        body = {
            "id": str(uuid.uuid4()),
            "timestamp": time.time_ns() // 1_000_000,
            "orderId": order,
            "screenId": screen,
            "mode": mode,
        }
        headers = {"Authorization": f"Bearer {self._key}"}
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with self._http.post(self._address + "/api/trigger", json=body, headers=headers) as response:
                await response.read()

    async def _trouble(self) -> None:
        while True:
            await asyncio.sleep(_chance.uniform(*TROUBLE_SECONDS))
            await _chance.choice(self._stations).lose_network(_chance.uniform(*AWAY_SECONDS))


async def _send(socket: aiohttp.ClientWebSocketResponse, message: dict[str, Any]) -> None:
    with contextlib.suppress(ConnectionError):
        await socket.send_str(msgspec.json.encode(message).decode())
