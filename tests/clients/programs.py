"""Other people's programs as a test starts them: what they print, and how they end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from pathlib import Path
from typing import Any

from tests.support.house import House
from tests.support.inbox import PATIENCE
from tests.support.process import environment


class Program:
    """A running program. `lines` is all it has printed, errors included."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.lines: list[str] = []
        self._process = process
        self._news = asyncio.Condition()
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, *command: str | Path, folder: Path, **env: str) -> Program:
        pipe, both = asyncio.subprocess.PIPE, asyncio.subprocess.STDOUT
        return cls(
            await asyncio.create_subprocess_exec(
                *command,
                cwd=folder,
                env=environment(**env),
                stdin=pipe,
                stdout=pipe,
                stderr=both,
                start_new_session=True,
            )
        )

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            async with self._news:
                self.lines.append(line.decode().rstrip("\n"))
                self._news.notify_all()
        async with self._news:
            self._news.notify_all()

    async def says(self, text: str, *, times: int = 1, within: float = PATIENCE) -> str:
        """Waits until it has printed lines with `text` that many times; returns the last of them."""

        def found() -> list[str]:
            return [line for line in self.lines if text in line]

        async with self._news:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(within):
                    await self._news.wait_for(lambda: len(found()) >= times or self._reading.done())
        assert len(found()) >= times, f"{text!r} was never said: {self.lines}"
        return found()[times - 1]

    async def ends(self, within: float = PATIENCE) -> int:
        """Its exit code."""
        async with asyncio.timeout(within):
            await self._reading
            return await self._process.wait()

    async def stop(self) -> None:
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)  # a shell's children with it
        await self._process.wait()
        self._reading.cancel()


async def paired(house: House, file: Path, screen_id: str = "S-1") -> Path:
    """The file with a screen's pairing, as `vooster screens provision` prints it."""
    await house.local("POST", "/api/screens", {"screenId": screen_id})
    answer = await house.local("POST", "/api/pairing/provision", {"screenIds": [screen_id]})
    pairing: dict[str, Any] = answer.json["items"][0]
    line = json.dumps({**pairing, "serverUrl": house.url}) + "\n"
    await asyncio.to_thread(file.write_text, line, "utf-8")
    return file
