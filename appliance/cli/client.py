"""How the verbs reach the appliance: over its control socket, or, when none is running, by opening the directory
themselves, under its lock and without the network."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import msgspec

from appliance.adapters.control import connector
from appliance.cli.common import quiet_configuration
from appliance.errors import FieldError, Problem
from appliance.paths import DataDir
from appliance.settings import Settings
from appliance.storage.aside import is_anything_at
from appliance.storage.files import PATIENCE_SECONDS, is_held

_BASE = "http://localhost"
_TIMEOUT = aiohttp.ClientTimeout(total=60)
_LOOK_AGAIN_SECONDS = 0.1


class ApiProblem(Problem):
    """A problem as the appliance told it, texts included."""

    def __init__(self, body: dict[str, Any]) -> None:
        super().__init__(str(body.get("code", "UNKNOWN")), str(body.get("detail", "")))
        self.errors = [FieldError(error["field"], error["reason"]) for error in body.get("errors", [])]
        self._body = body

    def messages(self) -> dict[str, str]:
        found: dict[str, str] = self._body.get("messages") or super().messages()
        return found

    def actions(self) -> dict[str, str]:
        found: dict[str, str] = self._body.get("action") or super().actions()
        return found


class Client:
    """The HTTP API as the local administrator. `alone` says that no appliance is running: no screen can be reached."""

    def __init__(self, session: aiohttp.ClientSession, *, alone: bool = False) -> None:
        self._session = session
        self.alone = alone

    async def call(self, method: str, path: str, body: object = None, **query: str) -> Any:
        """The answer's JSON. Raises `ApiProblem` for a problem, `Problem` when nobody answers."""
        content = None if body is None else msgspec.json.encode(body)
        headers = {} if body is None else {"Content-Type": "application/json"}
        try:
            async with self._session.request(
                method, _BASE + path, data=content, headers=headers, params=query
            ) as response:
                text = await response.read()
        except aiohttp.ClientError as error:
            raise Problem("APPLIANCE_NOT_RUNNING", str(error), values={"command": "vooster serve"}) from None
        answer = msgspec.json.decode(text) if text else None
        if response.status >= 400:
            raise ApiProblem(answer if isinstance(answer, dict) else {})
        return answer

    async def stream(self, path: str, accept: str, **query: str) -> AsyncIterator[bytes]:
        """The answer's body in this format, piece by piece, however long it is. Raises as `call` does, also when it
        breaks off."""
        timeout = aiohttp.ClientTimeout(total=None, sock_read=60)
        try:
            async with self._session.get(
                _BASE + path, headers={"Accept": accept}, params=query, timeout=timeout
            ) as response:
                if response.status >= 400:
                    answer = msgspec.json.decode(await response.read())
                    raise ApiProblem(answer if isinstance(answer, dict) else {})
                async for piece in response.content.iter_any():
                    yield piece
        except aiohttp.ClientError as error:
            raise Problem("APPLIANCE_NOT_RUNNING", str(error), values={"command": "vooster serve"}) from None


@contextlib.asynccontextmanager
async def connect(data: DataDir, settings: Settings, *, create: bool = False) -> AsyncIterator[Client]:
    """A client of the appliance on `data`, started for the occasion when none is running.

    One that is just starting is waited for, and so is another command that has the directory for the moment. Without
    `create` there has to be something in the directory: raises `DATA_NOT_FOUND` rather than make a new appliance where
    somebody has mistyped the name of his own.
    """
    until = time.monotonic() + PATIENCE_SECONDS
    while not await _is_running(data):
        if not (create or is_anything_at(data.database) or is_held(data.lock)):
            values = {"folder": str(data.root), "command": "vooster serve"}
            raise Problem("DATA_NOT_FOUND", values=values)
        # Most of the program; a verb that finds an appliance running does without.
        from appliance.app import Appliance  # noqa: PLC0415

        own = Appliance(settings, data, network=False)
        try:
            await own.start()
        except Problem as problem:
            if problem.code != "APPLIANCE_RUNNING" or time.monotonic() >= until:
                raise
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
            continue
        try:
            async with _session(data, alone=True) as session:
                yield Client(session, alone=True)
        finally:
            await own.stop()
        return
    async with _session(data) as session:
        yield Client(session)


def _session(data: DataDir, *, alone: bool = False) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=connector(data, alone=alone), timeout=_TIMEOUT)


async def _is_running(data: DataDir) -> bool:
    try:
        async with _session(data) as session, session.get(f"{_BASE}/api/health/live"):
            return True
    except (aiohttp.ClientError, OSError):
        return False


async def ask(data: DataDir, method: str, path: str, body: object = None, *, create: bool = False) -> Any:
    """One call and its answer; `create` as for `connect`. Raises as that and as `Client.call`."""
    async with connect(data, quiet_configuration(data), create=create) as client:
        return await client.call(method, path, body)
