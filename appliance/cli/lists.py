"""Lists of the appliance on the command line: which of it is meant, the newest printed, and all of it as a file."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Final, Literal

import typer
from rich.console import Console

from appliance.cli.client import connect
from appliance.cli.common import as_json, directory, language, quiet_configuration, run, say
from appliance.cli.terminal import Terminal
from appliance.cli.times import milliseconds
from appliance.errors import Problem
from appliance.errors.system import told
from appliance.paths import DataDir

SinceOption = Annotated[str | None, typer.Option("--since", metavar="TIME", help="2h, 1d (ago), 2026-05-31[T14:00].")]
UntilOption = Annotated[str | None, typer.Option("--until", metavar="TIME", help="As --since.")]
LimitOption = Annotated[int, typer.Option(min=1, help="At most so many, the newest.")]
FormatOption = Annotated[Literal["csv", "jsonl"], typer.Option("--format", help="csv, or one JSON object a line.")]
OutputOption = Annotated[
    Path | None, typer.Option("-o", "--output", metavar="FILE", help="Instead of stdout.", dir_okay=False)
]
_TYPES: Final = {"csv": "text/csv", "jsonl": "application/x-ndjson"}
_PAGE = 500


def filter_of(since: str | None, until: str | None, **others: str | None) -> dict[str, Any]:
    """What was asked for of a list, by the names that the API has for it. Raises a usage error for no time."""
    found = {
        **others,
        "since": milliseconds(since, "--since"),
        "until": milliseconds(until, "--until", end_of_day=True),
    }
    return {name: value for name, value in found.items() if value is not None}


def print_newest(
    data_dir: Path | None,
    path: str,
    wanted: dict[str, Any],
    limit: int,
    print_item: Callable[[Console, dict[str, Any]], None],
    *,
    json: bool,
    none: dict[str, str] | None = None,
) -> None:
    """Prints at most `limit` items of the list at `path`, each by `print_item`, or all as JSON; `none` (in both
    languages) is said where there are none. Ends the command where the appliance refuses."""
    items, more = run(_newest(directory(data_dir), path, wanted, limit))
    if json:
        as_json(items)
        return
    console = Terminal()
    for item in items:
        print_item(console, item)
    if more:
        say({"ko": "더 있습니다: --limit", "en": "There are more: --limit"}[language()])
    elif not items and none is not None:
        say(none[language()])


def export(
    data_dir: Path | None, path: str, format_: Literal["csv", "jsonl"], wanted: dict[str, Any], output: Path | None
) -> None:
    """Writes the whole list to `output`, or to stdout. Ends the command where that fails."""
    run(_export(directory(data_dir), path, _TYPES[format_], wanted, output))


def moment(at: int) -> str:
    """A time in ms as people read it here."""
    return datetime.fromtimestamp(at / 1000).astimezone().strftime("%Y-%m-%d %H:%M:%S")


async def _newest(data: DataDir, path: str, wanted: dict[str, Any], limit: int) -> tuple[list[dict[str, Any]], bool]:
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


async def _export(data: DataDir, path: str, accept: str, wanted: dict[str, Any], output: Path | None) -> None:
    """Raises `SETTINGS_INVALID` where `output` can't be written."""
    async with connect(data, quiet_configuration(data)) as client:
        pieces = client.stream(path, accept, **_query(wanted))
        if output is None:
            await _write(pieces, sys.stdout.buffer)
            return
        try:
            with output.open("wb") as file:
                await _write(pieces, file)
        except OSError as error:
            why = told(error)
            reason = {
                "ko": f"{output}에 쓸 수 없습니다: {why['ko']}.",
                "en": f"{output} can't be written: {why['en']}.",
            }
            raise Problem("SETTINGS_INVALID", reason["en"], values={"where": "--output", "reason": reason}) from None


async def _write(pieces: AsyncIterator[bytes], file: BinaryIO) -> None:
    async for piece in pieces:
        file.write(piece)
    file.flush()


def _query(wanted: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in wanted.items()}
