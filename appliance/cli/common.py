"""What every verb shares: the data directory, the exit codes, and how errors are said."""

from __future__ import annotations

import asyncio
import locale
import os
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
import typer

from appliance import log, paths, settings
from appliance.cli.reasons import WHOLE, lines
from appliance.cli.terminal import json_text, plain
from appliance.errors import Problem
from appliance.paths import DataDir
from appliance.settings import Settings, Values

T = TypeVar("T")

DataOption = Annotated[
    Path | None,
    typer.Option("--data-dir", metavar="DIR", help="The appliance's data directory.", show_default=False),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def language() -> str:
    """`ko` where the system speaks Korean, else `en`."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name)
        if value:
            return "ko" if value.lower().startswith("ko") else "en"
    found = locale.getlocale()[0] or ""
    return "ko" if found.lower().startswith(("ko", "korean")) else "en"


def say(text: str) -> None:
    """To the person, beside the output that a program may read."""
    print(plain(text), file=sys.stderr)


def fail(problem: Problem) -> typer.Exit:
    """Says what happened and what to do, in both languages, the system's first; exit code 1."""
    first = language()
    say(f"{problem.code}")
    for name in (first, "en" if first == "ko" else "ko"):
        say("\n".join(f"  {line}" for line in lines(problem, name)))
    if problem.code not in WHOLE and problem.detail not in ("", *problem.messages().values()):
        say(f"  ({problem.detail})")
    return typer.Exit(1)


def directory(given: Path | None, *, quiet: bool = False) -> DataDir:
    """The data directory, named on stderr so that nobody changes another one by mistake."""
    data, why = paths.choose(given)
    if not quiet:
        say(f"data: {data.root} ({why})")
    return data


def configuration(data: DataDir, file: Path | None, flags: Values) -> Settings:
    """The settings for `data`; its own file is used when none is named and it is there."""
    found = settings.load(file or data.config_if_any, os.environ, flags)
    log.configure(found.log.format, found.log.level)
    return found


def quiet_configuration(data: DataDir) -> Settings:
    """The settings for a verb that isn't `serve`: only real trouble is logged."""
    found = settings.load(data.config_if_any, os.environ)
    log.configure("console", "error")
    return found


def run(work: Coroutine[Any, Any, T]) -> T:
    """Runs a verb to its end. A `Problem` is said to the person; exit code 1."""
    try:
        return asyncio.run(work)
    except Problem as problem:
        raise fail(problem) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def as_json(value: object) -> None:
    print(msgspec.json.format(json_text(value)))
