"""Starting with a long past: a data file of a month, its size, and how soon the appliance serves again with it."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from tests.bench import machine, past, report
from tests.bench.processes import HOST, free_port, process, tail
from tests.bench.report import ratio
from tests.bench.servers import Server, provision, serve

SCREENS = 1_000
ROUNDS = 3
READY_SECONDS = 60.0
POLL_SECONDS = 0.005
GOAL_SECONDS = 3.0


@dataclass
class Start:
    """Seconds from the process's start to the first 200 of `/api/health/ready`; memory in kB."""

    seconds: float
    resident: int
    unique: int
    open: int


async def run(place: Path, finished: int, opened: int) -> None:
    documents, empty, full = place / "orders", place / "empty", place / "full"
    documents.mkdir()
    for number in range(past.ORDERS):
        documents.joinpath(f"ORD-{number:08d}.html").write_text("<!doctype html><title>0</title>")
    pairings = await provision(empty, SCREENS)
    shutil.copytree(empty, full)
    screens = Server("", 0, 0, "", pairings).screen_ids
    began = time.perf_counter()
    made = await asyncio.to_thread(
        past.write, full / "vooster.db", screens, finished=finished, opened=opened, now=time.time_ns() // 1_000_000
    )
    took = time.perf_counter() - began
    size = (full / "vooster.db").stat().st_size
    # The ways take turns, so that whatever else the machine does is everyone's.
    found: dict[str, list[Start]] = {}
    for _ in range(ROUNDS):
        for words, data, cold, sign in (
            ("empty, stopped", empty, False, signal.SIGTERM),
            ("full, stopped", full, False, signal.SIGTERM),
            ("full, cold", full, True, signal.SIGKILL),
            ("full, killed", full, False, signal.SIGTERM),
        ):
            start = await _start(data, documents, cold, sign)
            if start.open != (opened if data is full else 0):
                raise SystemExit(f"{words}: the appliance took up {start.open} open deliveries")
            found.setdefault(words, []).append(start)
    imports = await _imports()
    _show_starts(found, imports, made)
    _show_size(made, size, took)


async def _start(data: Path, documents: Path, cold: bool, ended_by: signal.Signals) -> Start:
    """Starts the appliance, waits until it is ready, and ends it as told."""
    if cold:
        _forget(data)
    port, log = free_port(), data.with_suffix(".log")
    began = time.perf_counter()
    async with process(*serve(data, port, documents), log=log) as running:
        while not await asyncio.to_thread(_ready, port):
            if running.returncode is not None or time.perf_counter() - began > READY_SECONDS:
                raise SystemExit(f"the appliance did not become ready:\n{tail(log)}")
            await asyncio.sleep(POLL_SECONDS)
        seconds = time.perf_counter() - began
        resident, _, unique = machine.memory_kb(running.pid)
        taken_up = int(Server("", running.pid, port, "", "").figures()["vooster_deliveries_open"])
        running.send_signal(ended_by)
        await asyncio.wait_for(running.wait(), 30)
    return Start(seconds, resident, unique, taken_up)


def _ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/api/health/ready", timeout=READY_SECONDS) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _forget(data: Path) -> None:
    """Takes the data file out of the kernel's memory, as after a boot."""
    for file in data.glob("vooster.db*"):
        with file.open("rb") as opened:
            os.fsync(opened.fileno())
            os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


async def _imports() -> float:
    """Seconds for the interpreter to load the program and end, the quickest of three."""
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        running = await asyncio.create_subprocess_exec(sys.executable, "-c", "import appliance.cli.main, uvloop")
        await running.wait()
        took.append(time.perf_counter() - began)
    return min(took)


def _show_starts(found: dict[str, list[Start]], imports: float, made: past.Past) -> None:
    control = _median(found["empty, stopped"])
    rows = []
    for words, starts in found.items():
        middle = _median(starts)
        rows.append(
            [
                words,
                f"{middle.seconds:.2f} s",
                f"{max(start.seconds for start in starts):.2f} s",
                ratio(middle.seconds, control.seconds),
                f"{middle.resident / 1024:.0f} MB",
                f"{middle.unique / 1024:.0f} MB",
                f"{middle.open:,}",
                "" if starts is found["empty, stopped"] else f"within {GOAL_SECONDS:g} s",
            ]
        )
    report.table(
        f"Restart with {made.finished:,} finished and {made.open:,} open deliveries ({made.dead:,} dead letters), "
        f"{SCREENS:,} screens: from process start to ready",
        ("data directory", "median", "longest", "to empty", "resident", "unique", "open", "goal"),
        rows,
        [
            f"Median of {ROUNDS}. Empty: the same screens, no delivery. Stopped: after a stop in good order.",
            "Cold: the file not in the kernel's memory. Killed: after SIGKILL, with the log as it was left.",
            f"The interpreter and the program's modules alone: {imports:.2f} s.",
        ],
    )


def _show_size(made: past.Past, size: int, took: float) -> None:
    count = made.finished + made.open
    rows = [
        ["data file, indexes included", f"{size / 1e6:,.0f} MB", f"{size / count:,.0f}", f"{size / count:,.0f} MB"],
        [
            "control: one JSON line each",
            f"{made.json_bytes / 1e6:,.0f} MB",
            f"{made.json_bytes / count:,.0f}",
            f"{made.json_bytes / count:,.0f} MB",
        ],
        ["ratio", ratio(size, made.json_bytes), "", ""],
    ]
    report.table(
        f"Size on disk of {count:,} deliveries",
        ("", "size", "bytes a delivery", "a million deliveries"),
        rows,
        [f"Without the log and without VACUUM; each written as accepted, then as ended, in {took:.0f} s."],
    )


def _median(starts: list[Start]) -> Start:
    return sorted(starts, key=lambda start: start.seconds)[len(starts) // 2]
