"""The data file before it is a database: one owner, and what happens when it is damaged."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import sys
import time
from pathlib import Path
from typing import IO, Literal

from appliance.errors import Problem, Texts
from appliance.errors.system import told
from appliance.paths import has_service
from appliance.storage import aside, wal
from appliance.storage.aside import kept_aside
from appliance.storage.faults import GarbledError, is_lasting, is_wrong_schema
from appliance.storage.migrations import migrate, refuse_newer

_CHECK_BELOW_BYTES = 64 << 20
"""Files up to this size are checked whole at each start; larger ones as they are read."""
_MAGIC = b"SQLite format 3\0"
PATIENCE_SECONDS = 10.0
"""How long whoever wants the directory waits for a command that has it."""
_PIECE = 1 << 20
_LOOK_AGAIN_SECONDS = 0.05
_FOLDER: Texts = {
    "ko": "데이터 파일이 있어야 할 자리에 폴더가 있습니다. 그 폴더를 다른 곳으로 옮겨 주세요.",
    "en": "There is a folder where the data file is to be. Move that folder away.",
}

Kind = Literal["serve", "command"]


class DirectoryLock:
    """One process owns a data directory; the lock goes with the process, however it ends.

    `kind` says what holds it: an appliance that serves, for hours, or one command, for a moment.
    """

    def __init__(self, path: Path, kind: Kind = "serve") -> None:
        self._path = path
        self._kind = kind
        self._file: IO[bytes] | None = None

    async def acquire(self, patience: float = PATIENCE_SECONDS) -> None:
        """Waits up to `patience` seconds for a command to end. Raises `APPLIANCE_RUNNING` when another process has the
        directory, at once when that one serves; `SETTINGS_INVALID` when there can be no lock."""
        until = time.monotonic() + patience
        while not self._take():
            holder = held_by(self._path)
            if holder == "serve":
                # What an appliance that was killed left there is still to be read until the next owner has written.
                await asyncio.sleep(_LOOK_AGAIN_SECONDS)
                if self._take():
                    return
                holder = held_by(self._path)
            if holder == "serve" or time.monotonic() >= until:
                raise _owned(self._path, holder)
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)

    def _take(self) -> bool:
        try:
            file = self._path.open("ab+", buffering=0)
        except OSError as error:
            why = told(error)
            reason: Texts = {"ko": f"열 수 없습니다: {why['ko']}.", "en": f"It can't be opened: {why['en']}."}
            values = {"where": str(self._path), "reason": reason}
            raise Problem("SETTINGS_INVALID", f"{self._path}: {reason['en']}", values=values) from None
        try:
            _lock(file.fileno())
        except OSError:
            file.close()
            return False
        with contextlib.suppress(OSError):  # on a full disk whoever waits is told a little less
            file.truncate(0)
            file.write(f"{os.getpid()} {self._kind}".encode())
        self._file = file
        return True

    def release(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def is_held(path: Path) -> bool:
    """Whether some process has the lock at `path` now. Nobody who waits for it is kept out for longer than a moment."""
    try:
        with path.open("r+", encoding="utf-8") as file:
            try:
                _lock(file.fileno())
            except OSError:
                return True
    except OSError:
        return False
    return False


def held_by(path: Path) -> Kind | None:
    """What holds the lock at `path`, or held it last; None while nobody has said so."""
    return _holder(path)[1]


def how_to_stop(path: Path) -> Texts:
    """What to do so that whoever holds the lock at `path` ends, with its process id where it has told it."""
    number, kind = _holder(path)
    ko, en = (f" (프로세스 {number})", f" (process {number})") if number else ("", "")
    if kind == "command":
        return {
            "ko": f"다른 명령이 쓰고 있습니다. 끝나기를 기다려 주세요{ko}.",
            "en": f"Another command uses it; wait until it has ended{en}.",
        }
    if has_service():
        return {
            "ko": f"실행한 창에서 Ctrl+C를 누르거나 서비스를 멈춰 주세요{ko}: systemctl stop vooster",
            "en": f"Press Ctrl+C in its window, or stop its service{en}: systemctl stop vooster",
        }
    return {"ko": f"실행한 창에서 Ctrl+C를 눌러 주세요{ko}.", "en": f"Press Ctrl+C in its window{en}."}


def _holder(path: Path) -> tuple[int | None, Kind | None]:
    """The process id of whoever holds the lock at `path`, or held it last, and what it is."""
    try:
        number, _, kind = path.read_text("utf-8").partition(" ")
    except (OSError, UnicodeDecodeError):
        return None, None
    known: Kind | None = "serve" if kind == "serve" else "command" if kind == "command" else None
    return int(number) if number.isdecimal() else None, known


def _owned(path: Path, holder: Kind | None) -> Problem:
    who = "A command still uses" if holder == "command" else "Another Vooster uses"
    return Problem("APPLIANCE_RUNNING", f"{who} {path.parent}.", values={"how": how_to_stop(path)})


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        # Far behind the text: what is locked here can't even be read.
        os.lseek(descriptor, 1 << 20, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def prepare(path: Path, *, start_empty: bool = False) -> None:
    """Makes or brings up to date the data file, before anything else opens it.

    A damaged file is moved aside under a name of its own and the start is refused with `DATABASE_CORRUPT`, again at
    each start, until a good file is in its place or `start_empty` says that an empty one is wanted. A file that a newer
    version has written is refused with `SETTINGS_INVALID` and isn't touched. `STORAGE_UNAVAILABLE` means that the disk
    or the rights to it are in the way.
    """
    try:
        _prepare(path, start_empty=start_empty)
    except OSError as error:
        raise Problem("STORAGE_UNAVAILABLE", f"{path} can't be opened: {error.strerror or error}") from None


def _prepare(path: Path, *, start_empty: bool) -> None:
    if path.is_dir():
        raise Problem("SETTINGS_INVALID", f"{path} is a folder.", values={"where": str(path), "reason": _FOLDER})
    settled = aside.settle(path)
    if settled is not None and not start_empty:
        raise aside.corrupt(settled)
    if not aside.size_of(path) and aside.size_of(aside.wal_of(path)):
        # SQLite would take an empty file for a new one and throw away its log, which may hold accepted triggers.
        lost = aside.keep_aside(path)
        if not start_empty:
            raise aside.corrupt(lost)
    earlier = kept_aside(path)
    if not path.exists() and earlier and not start_empty:
        raise aside.corrupt(earlier[-1])
    try:
        _open_and_migrate(path)
    except sqlite3.DatabaseError as error:
        if not is_wrong_schema(error) and not is_lasting(path, error):
            raise Problem("STORAGE_UNAVAILABLE", f"{path} can't be opened: {error}") from None
        raise aside.corrupt(aside.keep_aside(path)) from None


def _open_and_migrate(path: Path) -> None:
    refuse_newer(_version(path))
    _write_again(aside.wal_of(path))
    _check_log(path)
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        if path.stat().st_size <= _CHECK_BELOW_BYTES:
            found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if found != "ok":
                raise sqlite3.DatabaseError(found)
        connection.execute("PRAGMA journal_mode=WAL")
        migrate(connection)
    finally:
        connection.close()


def _write_again(log: Path) -> None:
    """Writes the log of a run that has crashed over itself, and syncs it.

    If one of that run's syncs had failed, the system may hold parts of the log that never reached the disk, and take
    them for saved: the next sync would say that all is well. SQLite would then copy them into the data file, and a
    power cut meanwhile would leave the file with parts of changes that no log completes.
    """
    if not aside.size_of(log):
        return
    with log.open("r+b") as file:
        while piece := file.read(_PIECE):
            file.seek(-len(piece), os.SEEK_CUR)
            file.write(piece)
            file.flush()
        os.fsync(file.fileno())


def _check_log(path: Path) -> None:
    """Raises `GarbledError` for a log with a broken place inside, at which SQLite would end it without a word: what was
    accepted behind it would be gone. A broken header matters as long as the log wasn't copied into the file."""
    log = aside.wal_of(path)
    if not aside.size_of(log):
        return
    with log.open("rb") as file, path.open("rb") as data:
        header = data.read(100)
        size = int.from_bytes(header[16:18], "big")
        found = wal.read(file, 65536 if size == 1 else size)
        if not found.later:
            return
        if found.headless:
            for number, at in found.later.items():
                file.seek(at)
                data.seek((number - 1) * found.page_size)
                if file.read(found.page_size) != data.read(found.page_size):
                    break
            else:
                return
    raise GarbledError("The log of the data file is broken in the middle.")


def _version(path: Path) -> int:
    """The schema's number in the file's header, read without opening it as a database; 0 where there is none."""
    if not path.is_file():
        return 0
    try:
        with path.open("rb") as file:
            header = file.read(100)
    except OSError as error:
        raise Problem("STORAGE_UNAVAILABLE", f"{path} can't be read: {error.strerror}") from None
    return int.from_bytes(header[60:64], "big") if header.startswith(_MAGIC) and len(header) == 100 else 0
