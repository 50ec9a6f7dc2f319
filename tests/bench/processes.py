"""How the bench starts its processes, hears from them and ends them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
HOST = "127.0.0.1"
START_SECONDS = 20.0
END_SECONDS = 15.0


@contextlib.asynccontextmanager
async def program(
    *command: str, quiet: bool = False, log: Path | None = None, environment: Mapping[str, str] | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process that ends with the block. What it complains of goes into `log`, if there is one."""
    with contextlib.ExitStack() as files:
        complaints = (
            files.enter_context(log.open("ab")) if log is not None else asyncio.subprocess.PIPE if quiet else None
        )
        running = await asyncio.create_subprocess_exec(
            *command,
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=complaints,
            env={**os.environ, "VOOSTER_LOG_LEVEL": "error", **(environment or {})},
        )
    try:
        yield running
    finally:
        if running.returncode is None:
            running.terminate()
            try:
                await asyncio.wait_for(running.wait(), END_SECONDS)
            except TimeoutError:
                running.kill()
                await running.wait()


def process(
    *arguments: str, quiet: bool = False, log: Path | None = None, environment: Mapping[str, str] | None = None
) -> contextlib.AbstractAsyncContextManager[asyncio.subprocess.Process]:
    """`python -m ARGUMENTS`, ended with the block."""
    return program(sys.executable, "-m", *arguments, quiet=quiet, log=log, environment=environment)


async def output(*arguments: str, seconds: float = 60) -> str:
    """What `python -m ARGUMENTS` prints; its failure ends the bench."""
    async with process(*arguments, quiet=True) as running:
        said, wrong = await asyncio.wait_for(running.communicate(), seconds)
    if running.returncode:
        raise SystemExit(f"{' '.join(arguments)[:200]} failed:\n{wrong.decode()[-2000:]}")
    return said.decode()


async def line(running: asyncio.subprocess.Process, seconds: float) -> str:
    """The next line a process prints."""
    assert running.stdout is not None
    said = (await asyncio.wait_for(running.stdout.readline(), seconds)).decode().strip()
    if not said:
        raise SystemExit("a process of the bench ended early")
    return said


async def listening(port: int, running: asyncio.subprocess.Process, log: Path | None = None) -> None:
    """Returns once `port` takes connections; a server that doesn't come up ends the bench with what it said."""
    for _ in range(int(START_SECONDS / 0.1)):
        try:
            _, writer = await asyncio.open_connection(HOST, port)
        except OSError:
            if running.returncode is not None:
                break
            await asyncio.sleep(0.1)
        else:
            writer.close()
            return
    raise SystemExit(f"the server didn't start within {START_SECONDS:g} s\n{tail(log)}")


def tail(log: Path | None) -> str:
    """The last of what a process complained of."""
    return log.read_text(errors="replace")[-2000:] if log is not None and log.exists() else ""


def free_port() -> int:
    with socket.socket() as found:
        found.bind((HOST, 0))
        port: int = found.getsockname()[1]
        return port
