"""Keeps the appliance under load, with faults, for as long as it is told.

`python -m tests.soak --minutes 60 --rate 1000`. It ends with 1 if anything accepted was lost.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from tests.bench import machine
from tests.bench.processes import ROOT
from tests.soak.run import Outcome, run


def options() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(prog="python -m tests.soak", description=(__doc__ or "").partition("\n")[0])
    found.add_argument("--minutes", type=int, default=60)
    found.add_argument("--rate", type=float, default=1000, help="triggers a second")
    found.add_argument("--screens", type=int, default=1000)
    found.add_argument("--directory", type=Path, default=ROOT / "build", help="on the disk to use")
    return found


def show(outcome: Outcome) -> None:
    books = outcome.books
    print(
        f"\naccepted {books.accepted:,}; on disk: "
        + ", ".join(f"{count:,} {state}" for state, count in sorted(books.ends.items()))
        + f"; owed {books.owed}; dead by code: {dict(books.dead) or 'none'}; "
        f"errors that screens were told {outcome.complaints}"
    )
    for name, words in (("unique", "memory"), ("descriptors", "descriptors"), ("wal", "WAL")):
        print(f"{words}, end of the last life to its beginning: {outcome.drift(name):.3f} x")


async def main() -> int:
    given = options().parse_args()
    given.directory.mkdir(exist_ok=True)
    print(machine.describe(given.directory))
    with tempfile.TemporaryDirectory(prefix="soak-", dir=given.directory) as place:
        outcome = await run(Path(place), screens=given.screens, rate=given.rate, minutes=given.minutes)
    show(outcome)
    return int(outcome.books.owed > 0 or bool(outcome.books.dead))


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
