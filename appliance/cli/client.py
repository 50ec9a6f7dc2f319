"""How the verbs reach the appliance: over its control socket, or, when none is running, by opening the directory
themselves, under its lock and without the network."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any

import aiohttp
import msgspec

from appliance.adapters.control import connector
from appliance.app import Appliance
from appliance.errors import FieldError, Problem
from appliance.paths import DataDir
from appliance.settings import Settings

_BASE = "http://localhost"
_TIMEOUT = aiohttp.ClientTimeout(total=60)


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
    """The HTTP API as the local administrator."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

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


@contextlib.asynccontextmanager
async def connect(data: DataDir, settings: Settings) -> AsyncIterator[Client]:
    """A client of the appliance on `data`, started for the occasion when none is running."""
    if await _is_running(data):
        async with aiohttp.ClientSession(connector=connector(data), timeout=_TIMEOUT) as session:
            yield Client(session)
        return
    async with (
        _Alone(data, settings),
        aiohttp.ClientSession(connector=connector(data), timeout=_TIMEOUT) as session,
    ):
        yield Client(session)


async def _is_running(data: DataDir) -> bool:
    try:
        async with (
            aiohttp.ClientSession(connector=connector(data), timeout=_TIMEOUT) as session,
            session.get(f"{_BASE}/api/health/live"),
        ):
            return True
    except (aiohttp.ClientError, OSError):
        return False


class _Alone:
    """An appliance that serves nobody but this command."""

    def __init__(self, data: DataDir, settings: Settings) -> None:
        self._appliance = Appliance(settings, data, network=False)

    async def __aenter__(self) -> None:
        await self._appliance.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._appliance.stop()
