"""An appliance as a fixture: in the test's own event loop, on a real data directory, behind real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import itertools
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import aiohttp
from structlog.testing import capture_logs

from appliance import settings
from appliance.adapters.orders_folder import FolderOrders
from appliance.app import Appliance
from appliance.paths import DataDir
from tests.support.answers import Answer, new_trigger, now_ms, request
from tests.support.emptyfile import lay_empty
from tests.support.inbox import PATIENCE, Inbox
from tests.support.passwords import cheap
from tests.support.wire import Wire

PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
Values = dict[str, dict[str, Any]]


async def until(condition: Callable[[], object], within: float = PATIENCE) -> None:
    """Waits until `condition()` holds, looking at it every few milliseconds."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within
    while not condition():
        assert loop.time() < deadline, "it didn't come true in time"
        await asyncio.sleep(0.005)


class House:
    """One appliance with its work orders, keys and screens."""

    def __init__(self, root: Path, values: Values | None = None) -> None:
        self.root = root
        self.orders = root / "orders"
        self.orders.mkdir(exist_ok=True)
        for order_id in ("ORD-1001", "ORD-1002"):
            self.order(order_id)
        self.data = DataDir(root / "data")
        self.values: Values = {
            "server": {"host": "127.0.0.1", "port": 0},
            "discovery": {"enabled": False},
            "orders": {"folder": str(self.orders)},
            "delivery": {"queue_dwell_ms": 0},  # what is queued needn't be read here
        }
        for section, members in (values or {}).items():
            self.values.setdefault(section, {}).update(members)
        self.wires: list[Inbox] = []
        self.tokens: dict[str, str] = {}
        self.key = ""
        self._numbers = itertools.count(1)
        self._http: aiohttp.ClientSession | None = None
        self._control: aiohttp.ClientSession | None = None

    # --- start and stop ---------------------------------------------------------------------------------------------

    async def start(self) -> None:
        found = settings.load(None, {}, self.values)
        if not self.data.root.exists():
            self.data.make()
            lay_empty(self.data.database)
        self.appliance = Appliance(found, self.data)
        # What was copied in just now is looked at twice, half a second apart: nothing that these tests are about.
        soon = functools.partial(FolderOrders, settle=0.01)
        with patch("appliance.engine.FolderOrders", soon), patch("appliance.relay.passwords.standard", cheap):
            await self.appliance.start()
        self.url = self.appliance.base_url()
        jar = aiohttp.DummyCookieJar
        self._http = aiohttp.ClientSession(cookie_jar=jar())
        connector = aiohttp.UnixConnector(str(self.data.control_socket))
        self._control = aiohttp.ClientSession(connector=connector, cookie_jar=jar())
        if not self.key:
            self.key = await self.new_key()

    async def stop(self) -> None:
        for session in (self._http, self._control):
            if session is not None:
                await session.close()
        await self.appliance.stop()

    async def restart(self) -> None:
        """Stops and starts again on the same data, on another port."""
        await self.stop()
        await self.start()

    # --- work orders ------------------------------------------------------------------------------------------------

    def order(self, order_id: str, kind: str = "pdf", content: bytes = PDF) -> Path:
        file = self.orders / f"{order_id}.{kind}"
        file.write_bytes(content)
        return file

    async def knows(self, order_id: str) -> None:
        """Waits until the appliance has noticed this order."""

        async def look() -> bool:
            with contextlib.suppress(Exception):
                await self.appliance.engine.source.look_up(order_id)
                return True
            return False

        deadline = asyncio.get_running_loop().time() + PATIENCE
        while not await look():
            assert asyncio.get_running_loop().time() < deadline, f"{order_id} was never noticed"
            await asyncio.sleep(0.01)

    # --- HTTP -------------------------------------------------------------------------------------------------------

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        bearer: str | None = None,
        headers: dict[str, str] | None = None,
        data: bytes | None = None,
    ) -> Answer:
        assert self._http is not None
        return await request(self._http, method, self.url + path, body, bearer=bearer, headers=headers, data=data)

    async def local(self, method: str, path: str, body: Any = None) -> Answer:
        """The same over the control socket, as the local administrator."""
        assert self._control is not None
        return await request(self._control, method, "http://localhost" + path, body)

    async def new_key(self, role: str = "operator", **scope: list[str]) -> str:
        name = f"key-{next(self._numbers)}"
        answer = await self.local("POST", "/api/keys", {"name": name, "role": role, **scope})
        assert answer.status == 201, answer.text
        return str(answer.json["key"])

    async def trigger(
        self,
        order_id: str | None = "ORD-1001",
        screen_id: str | None = "S-1",
        *,
        wait: int | None = None,
        **members: Any,
    ) -> Answer:
        """Sends a trigger with the operator's key; `wait` in ms holds the answer until it is shown."""
        query = "" if wait is None else f"?wait=shown&timeoutMs={wait}"
        body = new_trigger(order_id, screen_id, **members)
        return await self.call("POST", f"/api/trigger{query}", body, bearer=self.key)

    async def accepted(self, order_id: str | None = "ORD-1001", screen_id: str | None = "S-1", **members: Any) -> str:
        """Sends a trigger that must be accepted; returns its id."""
        answer = await self.trigger(order_id, screen_id, **members)
        assert answer.status == 202, answer.text
        return str(answer.json["id"])

    async def told_of(self, trigger_id: str) -> dict[str, Any]:
        answer = await self.call("GET", f"/api/triggers/{trigger_id}", bearer=self.key)
        assert answer.status == 200, answer.text
        body: dict[str, Any] = answer.json
        return body

    async def delivery(self, trigger_id: str) -> dict[str, Any]:
        """The only delivery of a trigger, with its history."""
        (found,) = (await self.told_of(trigger_id))["deliveries"]
        delivery: dict[str, Any] = found
        return delivery

    async def becomes(self, trigger_id: str, state: str, within: float = PATIENCE) -> dict[str, Any]:
        """The delivery of a trigger once it is in that state."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within
        while (found := await self.delivery(trigger_id))["state"] != state:
            assert loop.time() < deadline, f"never became {state}: {found}"
            await asyncio.sleep(0.01)
        return found

    async def dead_letters(self) -> list[dict[str, Any]]:
        answer = await self.local("GET", "/api/dead-letters")
        items: list[dict[str, Any]] = answer.json["items"]
        return items

    # --- sockets ----------------------------------------------------------------------------------------------------

    async def pair(self, screen_id: str) -> str:
        """The access token of a screen, made and paired when it isn't yet."""
        if screen_id not in self.tokens:
            made = await self.local("POST", "/api/screens", {"screenId": screen_id})
            assert made.status in {201, 409}, made.text
            answer = await self.local("POST", "/api/pairing/provision", {"screenIds": [screen_id]})
            assert answer.status in {200, 201}, answer.text
            self.tokens[screen_id] = answer.json["items"][0]["accessToken"]
        return self.tokens[screen_id]

    @contextlib.contextmanager
    def an_hour_ago(self) -> Iterator[None]:
        """Access tokens that are made within it have ended since."""
        with patch.object(self.appliance.engine.auth._access, "_now", lambda: now_ms() - 3_600_000):
            yield

    async def wire(self, *, answers_pings: bool = True, headers: dict[str, str] | None = None) -> Wire:
        """A socket that has said nothing yet."""
        wire = Wire(answers_pings=answers_pings)
        self.wires.append(wire)
        return await wire.connect(self.url, headers=headers)

    async def screen(self, screen_id: str = "S-1", *, answers_pings: bool = True, **hello: Any) -> Wire:
        """A connected, welcomed screen."""
        token = await self.pair(screen_id)
        wire = await self.wire(answers_pings=answers_pings)
        welcome = await wire.hello(token, **hello)
        assert welcome["screenId"] == screen_id
        return wire

    async def session(self, token: str, **hello: Any) -> Wire:
        """A connected producer or watcher."""
        wire = await self.wire()
        await wire.hello(token, **hello)
        return wire


class _Records(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.found: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.found.append(record)


@contextlib.asynccontextmanager
async def opened(root: Path, values: Values | None = None, *, faults_allowed: bool = False) -> AsyncIterator[House]:
    """A running house. At its end nothing may have been logged that looks like a fault of the program."""
    records = _Records()
    logging.getLogger().addHandler(records)
    house = House(root, values)
    with capture_logs() as logged:
        try:
            await house.start()
            try:
                yield house
            finally:
                for wire in house.wires:
                    await wire.close()
                await house.stop()
        finally:
            logging.getLogger().removeHandler(records)
    if not faults_allowed:
        assert not [entry for entry in logged if entry.get("exc_info")], "a traceback was logged"
        assert not [record.getMessage() for record in records.found if record.exc_info], "a traceback was logged"
        assert not [r.getMessage() for r in records.found if r.name == "asyncio" and r.levelno >= logging.ERROR]
