"""Whole lists as files, CSV and JSON Lines, streamed piece by piece so that they may be of any length."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from datetime import datetime
from functools import lru_cache
from typing import TypeVar

import msgspec
import structlog
from aiohttp import hdrs, web

from appliance.api.queries import Format
from appliance.errors import Problem
from appliance.relay.held import Held
from appliance.relay.principal import Principal

MAX_EXPORTS = 8
"""Exports at once; each of them keeps reading."""
STALL_SECONDS = 60.0
"""A client that takes nothing for this long is given up."""
MAX_PAUSE_SECONDS = 0.05
_TYPES = {"csv": "text/csv; charset=utf-8; header=present", "ndjson": "application/x-ndjson"}
_BOM = b"\xef\xbb\xbf"
"""By which spreadsheet programs know UTF-8 from the code page of the system."""
_BEGINS_A_FORMULA = frozenset("=+-@\t\r\n＝＋－＠")

_log = structlog.get_logger(__name__)
T = TypeVar("T")


class Exports:
    """Sends exports, a bounded number at a time."""

    def __init__(self, held: Held) -> None:
        self._held = held
        self._running = 0

    async def send(
        self,
        request: web.Request,
        kind: Format,
        name: str,
        pieces: AsyncGenerator[bytes, None],
        principal: Principal,
        *,
        note: Callable[[], Awaitable[None]] | None = None,
    ) -> web.StreamResponse:
        """Streams `pieces` as the file `name` (without its ending) to `principal`, after its `note` in the audit
        record. Raises whatever that or the first piece raises; an error later on, or the end of the credential, breaks
        the connection off, so that nobody takes a part for the whole."""
        if self._running >= MAX_EXPORTS:
            await pieces.aclose()
            raise Problem("RATE_LIMITED", "Too many exports are running.", values={"seconds": 10}, retry_after=10)
        self._running += 1
        try:
            async with aclosing(pieces):
                if note is not None and request.method != "HEAD":
                    await note()
                return await _stream(request, kind, name, pieces, self._held.while_good(principal))
        finally:
            self._running -= 1


async def _stream(
    request: web.Request,
    kind: Format,
    name: str,
    pieces: AsyncGenerator[bytes, None],
    while_good: AbstractAsyncContextManager[None],
) -> web.StreamResponse:
    first = await anext(pieces, b"")
    stamp = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
    headers = {
        hdrs.CONTENT_TYPE: _TYPES[kind],
        hdrs.CONTENT_DISPOSITION: f'attachment; filename="{name}-{stamp}.{"csv" if kind == "csv" else "jsonl"}"',
    }
    if request.method == "HEAD":
        return web.Response(headers=headers)
    response, loop = web.StreamResponse(headers=headers), asyncio.get_running_loop()
    await response.prepare(request)
    try:
        async with while_good:
            await response.write((_BOM if kind == "csv" else b"") + first)
            began = loop.time()
            async for piece in pieces:
                async with asyncio.timeout(STALL_SECONDS):
                    await response.write(piece)
                # As much time for everything else as this piece has taken: scans come first.
                await asyncio.sleep(min(loop.time() - began, MAX_PAUSE_SECONDS))
                began = loop.time()
    except (Problem, TimeoutError) as error:
        _log.warning("export.broken_off", name=name, reason=str(error) or "the client takes nothing")
        if request.transport is not None:
            request.transport.abort()
    except ConnectionError:
        pass  # whoever asked has gone
    return response


async def pieces_of(
    kind: Format,
    pages: AsyncGenerator[list[T], None],
    *,
    columns: Sequence[str],
    cells: Callable[[T], Sequence[object]],
    view: Callable[[T], object],
) -> AsyncGenerator[bytes, None]:
    """The pages of a list, each as a piece of a file: `columns` and `cells` for CSV, `view` for JSON Lines."""
    if kind == "csv":
        yield csv_lines([columns])
    async for found in pages:
        yield csv_lines(map(cells, found)) if kind == "csv" else json_lines(map(view, found))


def csv_lines(rows: Iterable[Sequence[object]]) -> bytes:
    """Rows as CSV (RFC 4180). A text that a spreadsheet would take for a formula gets an apostrophe in front."""
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\r\n").writerows([_cell(value) for value in row] for row in rows)
    return out.getvalue().encode()


def json_lines(items: Iterable[object]) -> bytes:
    return b"".join(msgspec.json.encode(item) + b"\n" for item in items)


def moment(at: int | None) -> str:
    """A time in ms as people read it: ISO 8601 with this computer's offset."""
    if at is None:
        return ""
    seconds, milliseconds = divmod(at, 1000)
    before, after = _second(seconds)
    return f"{before}.{milliseconds:03}{after}"


@lru_cache(maxsize=4096)
def _second(at: int) -> tuple[str, str]:
    """What stands before and behind the fraction of a second. Most rows of a list share theirs with others."""
    text = datetime.fromtimestamp(at).astimezone().isoformat(timespec="seconds")
    return text[:19], text[19:]


def _cell(value: object) -> object:
    if isinstance(value, str) and value and value[0] in _BEGINS_A_FORMULA:
        return "'" + value
    return "" if value is None else value
