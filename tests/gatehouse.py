"""Everything that lets people in, over a real socket on a real data file, with a clock that the test sets."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from appliance.api import auth as auth_api
from appliance.api import pairing as pairing_api
from appliance.api import people as people_api
from appliance.api import setup as setup_api
from appliance.core.permissions import ANYONE, CALLS, Rule
from appliance.core.roles import Role
from appliance.edge.credentials import Credentials, caller
from appliance.edge.hosts import Hosts
from appliance.edge.outside import Outside
from appliance.edge.server import build, json_response, read_json
from appliance.edge.urls import Urls
from appliance.relay import secrets
from appliance.relay.auth import Auth
from appliance.relay.pairing import Pairings
from appliance.relay.passwords import Passwords
from appliance.relay.people import People
from appliance.relay.plant import Plant
from appliance.relay.refusals import Refusals
from appliance.relay.screens import Screens
from appliance.settings import Server, Settings
from appliance.storage.database import Database
from appliance.storage.files import prepare
from tests.support.described import answer_misfits
from tests.support.emptyfile import lay_empty
from tests.support.passwords import cheap

PASSWORD = "correct horse battery"
BEST = "http://192.168.10.20:8480"


class Clock:
    """Milliseconds since the epoch, moved by hand."""

    def __init__(self) -> None:
        self.now = 1_800_000_000_000

    def __call__(self) -> int:
        return self.now

    def forward(self, *, seconds: float = 0, minutes: float = 0, hours: float = 0) -> None:
        self.now += int(1000 * (seconds + 60 * minutes + 3600 * hours))


@dataclass
class Answer:
    status: int
    headers: Any
    text: str
    cookies: dict[str, str] = field(default_factory=dict)

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def code(self) -> str:
        """The problem's code."""
        assert self.headers["Content-Type"] == "application/problem+json", (self.status, self.text)
        return str(self.json["code"])


class Gatehouse:
    """One running appliance's gate. `call` makes one request on a connection of its own."""

    def __init__(self, directory: Path, clock: Clock, server: Server) -> None:
        self.directory = directory
        self.now = clock
        self.settings = Settings(server=server)
        self.port = 0

    async def start(self) -> None:
        file = self.directory / "vooster.db"
        if not file.exists():
            lay_empty(file)
        prepare(file)
        self.database = Database(file)
        await self.database.open()
        self.screens = Screens(self.database, now=self.now)
        await self.screens.start()
        plant = Plant(self.database, given=lambda: self.people.plant)
        await plant.start()
        self.instance_id = plant.instance_id
        self.secrets = secrets.load(self.directory / "secrets.json")
        self.auth = Auth(
            self.database,
            self.secrets,
            self.screens,
            instance_id=self.instance_id,
            tokens=self.settings.tokens,
            now=self.now,
        )
        await self.auth.start()
        self.refusals = Refusals(self.database, now=self.now)
        self.people = People(self.database, self.auth, Passwords(cheap()), self.refusals, now=self.now)
        await self.people.start()
        self.pairings = Pairings(
            self.database, self.screens, self.auth, self.refusals, instance_id=self.instance_id, now=self.now
        )
        await self._listen()

    async def _listen(self) -> None:
        credentials = Credentials(
            self.auth, instance_id=self.instance_id, outside=Outside(self.settings.server, tls=False)
        )
        urls = Urls(best=lambda: BEST, public_url="", outside=credentials.outside)

        async def checks() -> list[setup_api.Check]:
            return [setup_api.Check("address", True, "192.168.10.20:8480", {"ko": "주소", "en": "Address"})]

        async def echo(request: web.Request) -> web.Response:
            return json_response(
                {"actor": caller(request).actor, "body": await read_json(request, dict, optional=True)}
            )

        async def broken(_request: web.Request) -> web.Response:
            raise RuntimeError("a fault of ours")

        routes = [
            *auth_api.routes(self.auth, self.people, credentials, urls, plant="Vooster"),
            *setup_api.routes(self.auth, self.people, credentials, urls, checks=checks),
            *people_api.routes(self.people, credentials),
            *pairing_api.routes(self.pairings, credentials, urls, plant=lambda: "1공장"),
            web.post("/api/echo", echo),
            web.get("/api/broken", broken),
        ]
        calls = {
            **CALLS,
            ("POST", "/api/echo"): Rule(Role.OPERATOR, screens=True),
            ("GET", "/api/broken"): ANYONE,
        }
        hosts = Hosts(
            self.settings.server,
            addresses=lambda: ["192.168.10.20"],
            name=lambda: "vooster.local.",
            base_url=lambda: BEST,
        )
        self.runner = web.AppRunner(
            build(routes, settings=self.settings, hosts=hosts, credentials=credentials, calls=calls),
            shutdown_timeout=1,
        )
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", 0)
        await site.start()
        self.port = self.runner.addresses[0][1]
        self.control = self.directory / "control.sock"
        self.control.unlink(missing_ok=True)
        await web.UnixSite(self.runner, str(self.control)).start()

    async def stop(self) -> None:
        await self.runner.cleanup()
        self.refusals.flush()
        self.people.close()
        await self.database.close()

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        bearer: str | None = None,
        headers: dict[str, str] | None = None,
        local: bool = False,
    ) -> Answer:
        sent = dict(headers or {})
        if bearer is not None:
            sent["Authorization"] = f"Bearer {bearer}"
        connector = aiohttp.UnixConnector(str(self.control)) if local else aiohttp.TCPConnector()
        url = f"http://localhost{path}" if local else f"{self.url}{path}"
        async with (
            aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.request(method, url, json=body, headers=sent) as response,
        ):
            cookies = {name: morsel.value for name, morsel in response.cookies.items()}
            answer = Answer(response.status, response.headers.copy(), await response.text(), cookies)
        misfits = answer_misfits(method, path, answer.status, response.content_type, answer.text)
        assert not misfits, misfits
        return answer

    async def admin(self) -> Browser:
        """The first admin, made through set-up, signed in in a browser."""
        token, _ = await self.people.new_setup_token()
        body = {"token": token, "username": "kim", "password": PASSWORD, "name": "1공장"}
        return Browser(self, await self.call("POST", "/api/setup", body))

    async def user(self, name: str, role: str, groups: list[str] | None = None) -> Browser:
        """A user of that role, signed in in a browser."""
        await self.people.add_user(name, PASSWORD, role, actor="local:test", groups=groups)
        body = {"username": name, "password": PASSWORD}
        return Browser(self, await self.call("POST", "/api/auth/login", body))

    async def audit(self) -> list[tuple[str, str, str | None]]:
        """(actor, action, target), oldest first."""
        return await self.database.read(
            lambda connection: connection.execute("SELECT actor, action, target FROM audit ORDER BY pk").fetchall()
        )


class Browser:
    """A signed-in page: sends its cookie and CSRF token."""

    def __init__(self, gatehouse: Gatehouse, answer: Answer) -> None:
        assert answer.status in {200, 201}, answer.text
        self._gatehouse = gatehouse
        self.port = gatehouse.port
        self.cookie = "; ".join(f"{name}={value}" for name, value in answer.cookies.items())
        self.csrf = answer.json["csrfToken"]

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        sent = {"Cookie": self.cookie, "X-CSRF-Token": self.csrf, **headers}
        return await self._gatehouse.call(method, path, body, headers={k: v for k, v in sent.items() if v})


@asynccontextmanager
async def opened(directory: Path, server: Server | None = None) -> AsyncIterator[Gatehouse]:
    gatehouse = Gatehouse(directory, Clock(), server or Server())
    await gatehouse.start()
    try:
        yield gatehouse
    finally:
        await gatehouse.stop()


@pytest.fixture(name="gate")
async def fixture_gate(tmp_path: Path) -> AsyncIterator[Gatehouse]:
    """A gatehouse of its own for a test; import it where it is used."""
    async with opened(tmp_path) as gatehouse:
        yield gatehouse
