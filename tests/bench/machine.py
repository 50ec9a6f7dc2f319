"""What the bench ran on, and what the kernel knows of a process. Linux only."""

from __future__ import annotations

import os
import platform
import sqlite3
import time
from pathlib import Path

import aiohttp

from appliance.storage.connections import connect
from tests.bench.record import percentile

_TICKS = os.sysconf("SC_CLK_TCK")


def describe(directory: Path) -> str:
    cpu = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "?"
    )
    device, kind = file_system(directory)
    return (
        f"{cpu}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; Linux {platform.release()}; "
        f"Python {platform.python_version()}, aiohttp {aiohttp.__version__}, SQLite {sqlite3.sqlite_version}; "
        f"{kind} on {device}"
    )


def file_system(directory: Path) -> tuple[str, str]:
    """Device and type of the file system that holds `directory`."""
    best = ("", "?", "?")
    for line in _lines("/proc/mounts"):
        device, mount, kind = line.split()[:3]
        if directory.resolve().is_relative_to(mount) and len(mount) >= len(best[0]):
            best = (mount, device, kind)
    return best[1], best[2]


def sync_ms(directory: Path, rounds: int = 200) -> tuple[float, float]:
    """p50 and p95 of appending 4 kB and syncing it, in ms: what a commit can't be faster than."""
    file = directory / "sync-probe"
    took = []
    with file.open("wb", buffering=0) as opened:
        for _ in range(rounds):
            started = time.perf_counter()
            opened.write(b"\0" * 4096)
            os.fdatasync(opened.fileno())
            took.append((time.perf_counter() - started) * 1000)
    file.unlink()
    took.sort()
    return percentile(took, 0.5), percentile(took, 0.95)


def pragmas(directory: Path) -> str:
    """How the appliance opens its data file, asked of such a connection."""
    connection = connect(directory / "pragma-probe.db")
    names = ("journal_mode", "synchronous", "wal_autocheckpoint")
    found = ", ".join(f"{name}={connection.execute(f'PRAGMA {name}').fetchone()[0]}" for name in names)
    connection.close()
    for file in directory.glob("pragma-probe.db*"):
        file.unlink()
    return found


def memory_kb(pid: int) -> tuple[int, int, int]:
    """Resident, proportional and unique memory of a process, in kB."""
    sizes = {}
    for line in _lines(f"/proc/{pid}/smaps_rollup"):
        name, _, value = line.partition(":")
        if value.endswith("kB"):
            sizes[name] = int(value.split()[0])
    return sizes["Rss"], sizes["Pss"], sizes["Private_Clean"] + sizes["Private_Dirty"]


def descriptors(pid: int) -> int:
    """So many files and sockets a process has open."""
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


def cpu_seconds(pid: int) -> float:
    """User and system time of all threads so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _lines(file: str) -> list[str]:
    return Path(file).read_text().splitlines()
