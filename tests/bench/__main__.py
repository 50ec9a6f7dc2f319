"""Runs the bench and prints what it found: the appliance, and beside it, in the same run, a control.

The server, the screens and whoever puts the load on it are processes of their own and share the machine's cores.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.bench import (
    accepts,
    attacked,
    broadcast,
    crowd,
    extension,
    machine,
    reconnect,
    restart,
    stalled,
    steady,
    transports,
)
from tests.bench.processes import ROOT

PART_SECONDS = 600
PARTS = [
    "steady",
    "accepts",
    "crowd",
    "transports",
    "stalled",
    "reconnect",
    "broadcast",
    "attacked",
    "extension",
    "restart",
]
DEFAULT = [each for each in PARTS if each != "steady"]
"""`transports` has the numbers of `steady`, too."""


def parts(given: argparse.Namespace) -> dict[str, Callable[[Path], Awaitable[None]]]:
    load = steady.Load(given.screens, given.rate, given.seconds)
    return {
        "steady": lambda place: steady.run(place, load),
        "accepts": lambda place: accepts.run(
            place, given.screens, given.flood_seconds, given.way or list(accepts.WAYS)
        ),
        "crowd": lambda place: crowd.run(place, given.crowd, given.flood_seconds, given.crowd_rate),
        "transports": lambda place: transports.run(place, load, given.flood_seconds),
        "stalled": lambda place: stalled.run(place, given.screens, given.rate, given.stalled_seconds),
        "reconnect": lambda place: reconnect.run(place, given.clients, given.cuts),
        "broadcast": lambda place: broadcast.run(place, given.screens, given.rounds),
        "attacked": lambda place: attacked.run(
            place, given.attacked_screens, given.attacked_rate, given.attack_seconds
        ),
        "extension": lambda place: extension.run(place, given.scans),
        "restart": lambda place: restart.run(place, given.finished, given.open),
    }


def options() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(prog="python -m tests.bench", description=(__doc__ or "").partition("\n")[0])
    found.add_argument("--only", action="append", choices=PARTS, help="may be repeated")
    found.add_argument("--way", action="append", choices=list(accepts.WAYS), help="accepts: may be repeated")
    found.add_argument("--screens", type=int, default=1000)
    found.add_argument("--rate", type=float, default=500, help="steady, transports, stalled: triggers a second")
    found.add_argument("--seconds", type=float, default=8, help="steady, transports: how long, each")
    found.add_argument("--flood-seconds", type=float, default=2, help="accepts: how long, each way in")
    found.add_argument("--crowd", type=int, default=10_000, help="crowd: how many screens")
    found.add_argument("--crowd-rate", type=float, default=100, help="crowd: triggers a second while it restarts")
    found.add_argument("--stalled-seconds", type=float, default=5, help="stalled: how long, each round")
    found.add_argument("--clients", type=int, default=10, help="reconnect: how many, as behind one switch")
    found.add_argument("--cuts", type=int, default=2, help="reconnect: how often")
    found.add_argument("--rounds", type=int, default=5, help="broadcast: how many")
    found.add_argument("--attacked-screens", type=int, default=200, help="attacked: how many healthy screens")
    found.add_argument("--attacked-rate", type=float, default=100, help="attacked: healthy triggers a second")
    found.add_argument("--attack-seconds", type=float, default=12, help="attacked: how long, each")
    found.add_argument("--scans", type=int, default=200, help="extension: how many")
    found.add_argument("--finished", type=int, default=1_000_000, help="restart: finished deliveries in the file")
    found.add_argument("--open", type=int, default=10_000, help="restart: open deliveries in the file")
    found.add_argument("--directory", type=Path, default=ROOT / "build", help="on the disk to measure")
    return found


async def main() -> None:
    given = options().parse_args()
    given.directory.mkdir(exist_ok=True)
    if machine.file_system(given.directory)[1] in {"tmpfs", "ramfs"}:
        raise SystemExit(f"{given.directory} is in memory; name a directory on a disk with --directory")
    print(machine.describe(given.directory))
    with tempfile.TemporaryDirectory(prefix="bench-", dir=given.directory) as place:
        p50, p95 = machine.sync_ms(Path(place))
        pragmas = machine.pragmas(Path(place))
    print(f"one 4 kB write and fdatasync: p50 {p50:.2f} ms, p95 {p95:.2f} ms; {pragmas}", flush=True)
    for name, run in parts(given).items():
        if name not in (given.only or DEFAULT):
            continue
        with tempfile.TemporaryDirectory(prefix=f"bench-{name}-", dir=given.directory) as place:
            async with asyncio.timeout(PART_SECONDS):
                await run(Path(place))


if __name__ == "__main__":
    asyncio.run(main())
