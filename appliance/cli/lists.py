"""Lists of the appliance on the command line: their newest items, and all of them as a file."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Final

import typer

from appliance.cli.client import connect
from appliance.cli.common import quiet_configuration
from appliance.errors import Problem
from appliance.paths import DataDir

SinceOption = Annotated[str | None, typer.Option("--since", metavar="TIME", help="2h, 1d (ago), 2026-05-31[T14:00].")]
UntilOption = Annotated[str | None, typer.Option("--until", metavar="TIME", help="As --since.")]
LimitOption = Annotated[int, typer.Option(min=1, help="At most so many, the newest.")]
TYPES: Final = {"csv": "text/csv", "jsonl": "application/x-ndjson"}
_PAGE = 500


async def newest(data: DataDir, path: str, wanted: dict[str, Any], limit: int) -> tuple[list[dict[str, Any]], bool]:
    """The newest items, and whether there are more."""
    query = _query(wanted)
    items: list[dict[str, Any]] = []
    async with connect(data, quiet_configuration(data)) as client:
        while True:
            page = await client.call("GET", path, **query, limit=str(min(_PAGE, limit - len(items))))
            items += page["items"]
            if page["cursor"] is None or len(items) >= limit:
                return items, page["cursor"] is not None
            query["cursor"] = page["cursor"]


async def export(data: DataDir, path: str, accept: str, wanted: dict[str, Any], output: Path | None) -> None:
    """Writes the whole list in the format `accept` to `output`, or to stdout. Raises `SETTINGS_INVALID`."""
    async with connect(data, quiet_configuration(data)) as client:
        pieces = client.stream(path, accept, **_query(wanted))
        if output is None:
            await _write(pieces, sys.stdout.buffer)
            return
        try:
            with output.open("wb") as file:
                await _write(pieces, file)
        except OSError as error:
            reason = {
                "ko": f"{output}에 쓸 수 없습니다: {error.strerror}",
                "en": f"{output} can't be written: {error.strerror}",
            }
            raise Problem("SETTINGS_INVALID", reason["en"], values={"where": "--output", "reason": reason}) from None


def moment(at: int) -> str:
    """A time in ms as people read it here."""
    return datetime.fromtimestamp(at / 1000).astimezone().strftime("%Y-%m-%d %H:%M:%S")


async def _write(pieces: AsyncIterator[bytes], file: BinaryIO) -> None:
    async for piece in pieces:
        file.write(piece)
    file.flush()


def _query(wanted: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in wanted.items() if value is not None}
