"""Socket.IO's official JavaScript clients, in one Node for many tests: `driver.mjs` does as JSON lines say."""

from __future__ import annotations

import asyncio
import itertools
import json
import subprocess
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tests.support import described
from tests.support.inbox import PATIENCE
from tests.support.node import installed, node

Told = dict[str, Any]
WAYS = [(version, way) for version in (4, 3) for way in (["websocket"], ["polling"], ["polling", "websocket"])]
_LOOK_SECONDS = 0.004


class Driver:
    """The Node process. Tests come and go; their clients are told apart by name."""

    def __init__(self) -> None:
        script = Path(__file__).with_name("driver.mjs")
        self._process = subprocess.Popen(
            [node(), script, installed()], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )
        self._heard: dict[str, list[Told]] = {}
        self._numbers = itertools.count(1)
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            told = json.loads(line)
            self._heard.setdefault(told.get("name", ""), []).append(told)

    def tell(self, order: Told) -> None:
        assert self._process.stdin is not None and self._process.poll() is None, "the driver has ended"
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()

    def number(self) -> int:
        return next(self._numbers)

    def heard(self, name: str) -> list[Told]:
        return self._heard.setdefault(name, [])

    def stop(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(5)
        self._reading.join(5)


class Official:
    """One client."""

    def __init__(self, driver: Driver, version: int, transports: list[str]) -> None:
        self.version = version
        self.transports = transports
        self.name = f"{version} {'+'.join(transports)} #{driver.number()}"
        self._driver = driver
        self._taken: set[int] = set()

    def open(self, url: str, auth: Told, **options: Any) -> None:
        quick = {"reconnectionDelay": 50, "reconnectionDelayMax": 200, "timeout": 5_000}
        order = {"do": "open", "version": self.version, "url": url}
        self._tell({**order, "options": {"transports": self.transports, "auth": auth, **quick, **options}})

    async def connect(self, url: str, token: str, **auth: Any) -> Told:
        """Connects; where the transport is to be upgraded, waits for that too. Returns the welcome."""
        self.open(url, {"token": token, **auth})
        welcome: Told = await self.expect("welcome")
        if len(self.transports) > 1:
            await self.expect("upgrade")
        return welcome

    def emit(self, event: str, *args: Any) -> None:
        self._tell({"do": "emit", "event": event, "args": list(args)})

    async def call(self, event: str, *args: Any) -> Any:
        """Emits with a callback; returns what it was called with."""
        tag = self._driver.number()
        self._tell({"do": "emit", "event": event, "args": list(args), "tag": tag})
        return (await self._find(lambda told: told.get("tag") == tag, f"an answer to {event}"))["args"][0]

    async def state(self) -> Told:
        tag = self._driver.number()
        self._tell({"do": "state", "tag": tag})
        state: Told = (await self._find(lambda told: told.get("tag") == tag, "a state"))["args"][0]
        return state

    async def expect(self, event: str, where: Callable[[Any], bool] = lambda _first: True) -> Any:
        """The first argument of the next event of this name for which `where` holds."""
        return (await self._arguments(event, where) or [None])[0]

    async def navigate(self, *, received: bool = True, **more: Any) -> Told:
        """The next navigation, answered in its callback."""
        delivery, callback = await self._arguments("navigate")
        answer = {"received": received, "id": delivery["id"], **more}
        self._driver.tell({"do": "reply", "callback": callback["$callback"], "args": [answer]})
        found: Told = delivery
        return found

    def shown(self, delivery: Told) -> None:
        evidence = {"display": {"index": delivery["displayIndex"]}, "url": delivery["url"]}
        self.emit("ack", {"id": delivery["id"], "status": "shown", **evidence})

    def authenticate(self, auth: Told) -> None:
        """What the next connect brings."""
        self._tell({"do": "auth", "auth": auth})

    def again(self) -> None:
        self._tell({"do": "connect"})

    def cut(self) -> None:
        """Ends the connection as a pulled cable would."""
        self._tell({"do": "cut"})

    def close(self) -> None:
        self._tell({"do": "close"})

    def of(self, event: str) -> list[Any]:
        """The first arguments of all events of this name so far."""
        return [told["args"][0] if told["args"] else None for told in self._heard if told.get("event") == event]

    def misfits(self) -> list[str]:
        """What the appliance has sent that isn't as it describes it."""
        own = {"connect", "connect_error", "disconnect", "upgrade"}
        told = (each for each in self._heard if each.get("event", "connect") not in own)
        messages = ({"type": each["event"], **each["args"][0]} for each in told)
        return [misfit for message in messages for misfit in described.misfits(message, "socketIo")]

    @property
    def _heard(self) -> list[Told]:
        return self._driver.heard(self.name)

    def _tell(self, order: Told) -> None:
        self._driver.tell({"name": self.name, **order})

    async def _arguments(self, event: str, where: Callable[[Any], bool] = lambda _first: True) -> list[Any]:
        def wanted(told: Told) -> bool:
            return told.get("event") == event and where(told["args"][0] if told["args"] else None)

        found: list[Any] = (await self._find(wanted, event))["args"]
        return found

    async def _find(self, wanted: Callable[[Told], bool], what: str) -> Told:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PATIENCE
        while True:
            for place, told in enumerate(list(self._heard)):
                if place not in self._taken and wanted(told):
                    self._taken.add(place)
                    return told
            assert loop.time() < deadline, f"{self.name}: no {what}; heard {self._heard}"
            await asyncio.sleep(_LOOK_SECONDS)


def one_of_each(driver: Driver) -> list[Official]:
    """A client of each version for each way."""
    return [Official(driver, version, way) for version, way in WAYS]


async def each(clients: list[Official], play: Callable[[Official, str], Awaitable[None]]) -> None:
    """Plays the same part with every client at once, each with a screen of its own."""
    await asyncio.gather(*(play(client, f"S-{number}") for number, client in enumerate(clients)))
