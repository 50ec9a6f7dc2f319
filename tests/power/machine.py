"""The appliance on a machine whose disk and clock the test commands: `vooster serve` with `shim.c` in front of libc."""

from __future__ import annotations

import asyncio
import errno
import mmap
import platform
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum, IntFlag
from pathlib import Path

import aiohttp
import pytest

from tests.support.forked import Running, starter
from tests.support.process import START_SECONDS, Served, environment

SOURCE = Path(__file__).with_name("shim.c")
FOREVER = -1

_CLOCK, _LOGGED, _DELAY = 0, 8, 16
_FAULTS = 24
_FAULT = struct.Struct("<iiii")
_SIZE = _FAULTS + 5 * _FAULT.size


class On(IntEnum):
    """Calls that can fail."""

    OPEN = 0
    READ = 1
    WRITE = 2
    SYNC = 3
    TRUNCATE = 4


class Of(IntFlag):
    """Files they fail on."""

    DATABASE = 1
    WAL = 2
    OTHER = 4
    DIRECTORY = 8
    DATA = 3
    ALL = 15


class Control:
    """The memory shared with the shim."""

    def __init__(self, path: Path) -> None:
        path.write_bytes(bytes(_SIZE))
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), _SIZE)

    @property
    def logged(self) -> int:
        """Bytes in the log now: whatever was synced before this call is in front of it."""
        value: int = struct.unpack_from("<q", self._memory, _LOGGED)[0]
        return value

    def shift_clock(self, milliseconds: int) -> None:
        """From now on wall time is so much off the machine's."""
        struct.pack_into("<q", self._memory, _CLOCK, milliseconds)

    def delay_syncs(self, milliseconds: int, of: Of = Of.DATA) -> None:
        struct.pack_into("<ii", self._memory, _DELAY, milliseconds, of)

    def fail(self, on: On, number: int = errno.EIO, *, of: Of = Of.DATA, times: int = FOREVER) -> None:
        """Lets the next `times` such calls fail with that errno; 0 for writes: only half is written."""
        struct.pack_into("<iii", self._memory, _FAULTS + on * _FAULT.size, number, times, of)

    def mend(self) -> None:
        for on in On:
            self.fail(on, 0, of=Of(0), times=0)
        self.delay_syncs(0)

    def hits(self, on: On) -> int:
        """So many calls have failed so far."""
        value: int = _FAULT.unpack_from(self._memory, _FAULTS + on * _FAULT.size)[3]
        return value

    def close(self) -> None:
        self._memory.close()


class Shimmed(Served):
    """`Served` behind the shim. With `record` every change of the data directory is logged to `recording`; `flaws`
    are the seeded ones of `preparation.py`."""

    def __init__(
        self, root: Path, shim: Path, *, data: Path | None = None, record: bool = False, flaws: tuple[str, ...] = ()
    ) -> None:
        super().__init__(root, data=data)
        self.data = self.data.resolve()
        self.control = Control(root / "control")
        self.recording = root / "recording"
        self._shim = shim
        self._settings = {"SHIM_DIR": str(self.data), "SHIM_CONTROL": str(root / "control")}
        if record:
            self._settings["SHIM_LOG"] = str(self.recording)
        self._settings["VOOSTER_DELIVERY_QUEUE_DWELL_MS"] = "0"  # nobody reads what these stations show
        self._flaws = flaws

    def _spawn(self, more: tuple[str, ...], env: dict[str, str]) -> Running:
        with self.log.open("ab") as log:
            return starter(LD_PRELOAD=str(self._shim)).start(
                *self.arguments,
                *more,
                stderr=log,
                env=environment(**self._settings, **env),
                before="tests.power.preparation:prepare",
                given={"shim": str(self._shim), "flaws": self._flaws},
            )

    async def start_unready(self) -> None:
        """Starts it and returns once it answers at all."""
        self._process = self._spawn((), {})
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                if (await self.call("GET", "/api/health/live")).status == 200:
                    return
            except aiohttp.ClientError:
                assert self._process.poll() is None and time.monotonic() < deadline, self.log.read_text("utf-8")
                await asyncio.sleep(0.02)

    async def refuses_to_start(self, within: float = 15.0) -> int:
        """Starts it, which it is expected to refuse; returns its exit code."""
        self._process = self._spawn((), {})
        return await asyncio.to_thread(self._process.wait, within)

    async def close(self) -> None:
        await super().close()
        self.control.close()


def compiler() -> str:
    """The C compiler, or a skip that says what is missing."""
    if sys.platform != "linux" or platform.libc_ver()[0] != "glibc":
        pytest.skip("the shim needs Linux with glibc")
    found = shutil.which("cc") or shutil.which("gcc")
    if found is None or not Path("/usr/include/stdio.h").exists():
        pytest.skip("the shim needs a C compiler and libc's headers (gcc, libc6-dev)")
    return found


def build(folder: Path) -> Path:
    """The shim, compiled into `folder`."""
    target = folder / "shim.so"
    run = [compiler(), "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", str(target), str(SOURCE), "-ldl"]
    built = subprocess.run(run, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return target


@contextmanager
def in_memory() -> Iterator[Path]:
    """A folder in memory where there is one: thousands of small files whose syncs cost nothing."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(prefix="vooster-", dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder)
