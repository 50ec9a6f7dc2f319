"""Damaged data files: kept beside the data under a name of their own, and never used again as if nothing had been.

A file found damaged while the appliance runs can't be moved away from under it. A *note* beside it says what is to
become of it, and whoever opens the directory next, or this run as it ends, does that first.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from pathlib import Path

import msgspec

from appliance.errors import Problem

_KEPT_ASIDE = ".damaged-"
_COMPANIONS = ("-wal", "-shm")


class Note(msgspec.Struct, frozen=True):
    """`name` is what the file is to be called, `reason` what SQLite said, `at` (ms) when."""

    name: str
    reason: str
    at: int


def wal_of(path: Path) -> Path:
    """The file in which SQLite keeps what it hasn't copied into `path` yet."""
    return path.with_name(f"{path.name}-wal")


def size_of(path: Path) -> int:
    """In bytes; 0 where there is no file."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def identity(path: Path) -> tuple[int, int] | None:
    """Which file is at `path` (device and inode); None where there is none. Raises `STORAGE_UNAVAILABLE` where the disk
    doesn't say, which isn't the same."""
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise Problem("STORAGE_UNAVAILABLE", f"{path} can't be looked at: {error.strerror}") from None
    return found.st_dev, found.st_ino


def kept_aside(path: Path) -> list[Path]:
    """Damaged files of earlier, oldest first."""
    found = path.parent.glob(f"{path.name}{_KEPT_ASIDE}*")
    return sorted(file for file in found if not file.name.endswith(_COMPANIONS))


def is_anything_at(path: Path) -> bool:
    """Whether there is a data file or what is left of one. What may not be looked at counts as there, so that whoever
    opens it is told so."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return bool(size_of(wal_of(path)) or kept_aside(path))
    except OSError:
        return True
    return True


def name_aside(path: Path) -> Path:
    """A name that no file has yet, as far as the disk says: one that says nothing has to be told of, too."""
    first = path.with_name(f"{path.name}{_KEPT_ASIDE}{time.strftime('%Y%m%d-%H%M%S')}")
    try:
        return _free(first)
    except OSError:
        return first


def _free(first: Path) -> Path:
    name, number = first, 1
    while any(name.with_name(name.name + suffix).exists() for suffix in ("", *_COMPANIONS)):
        number += 1
        name = first.with_name(f"{first.name}-{number}")
    return name


def keep_aside(path: Path, name: Path | None = None) -> Path:
    """Moves the file with its log away; returns where it is now. Where only a log was left, an empty file stands for
    what is missing."""
    aside = _free(name or name_aside(path))
    if not path.exists():
        aside.touch()
    # The log first: should this be cut short, a file without a log is worse than a log without its file.
    for suffix in ("-wal", "-shm", ""):
        file = path.with_name(path.name + suffix)
        if file.exists():
            file.replace(aside.with_name(aside.name + suffix))
    sync_directory(path.parent)
    return aside


def _note_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.note")


def leave_note(path: Path, aside: Path, reason: str, at: int) -> bool:
    """Says that `path` is damaged and is to be called `aside`; False when that can't be written."""
    try:
        written = path.with_name(f"{path.name}.note-new")
        with written.open("wb") as file:
            file.write(msgspec.json.encode(Note(aside.name, reason, at)))
            file.flush()
            os.fsync(file.fileno())
        written.replace(_note_of(path))
        sync_directory(path.parent)
    except OSError:
        return False
    return True


def note(path: Path) -> Note | None:
    """What was noted about the file at `path`. Raises `OSError` where that may not be read."""
    try:
        return msgspec.json.decode(_note_of(path).read_bytes(), type=Note)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError:
        # Something was noted, or there would be no file.
        return Note(name_aside(path).name, "It can't be read what was noted.", 0)


def settle(path: Path) -> Path | None:
    """Does what a note says, with nobody else using the file; returns where the damaged file is now."""
    found = note(path)
    if found is None:
        return None
    there = path.exists() or size_of(wal_of(path))
    aside = keep_aside(path, path.with_name(Path(found.name).name)) if there else None
    with contextlib.suppress(FileNotFoundError):
        _note_of(path).unlink()
    return aside


def corrupt(aside: Path) -> Problem:
    """What a person is told of a damaged file that is kept as `aside`."""
    return Problem(
        "DATABASE_CORRUPT",
        f"The data file is damaged and was kept as {aside}. To begin with an empty one: vooster serve --start-empty",
        values={"file": str(aside), "command": f"vooster doctor --salvage {aside}"},
    )


def copy(connection: sqlite3.Connection, aside: Path) -> None:
    """Writes what an open connection still sees into a file of its own, for when there is no other any more."""
    made = aside.with_name(f"copying-{aside.name}")
    made.unlink(missing_ok=True)
    target = sqlite3.connect(made)
    try:
        connection.backup(target)
    finally:
        target.close()
    sync_file(made)
    made.replace(aside)
    sync_directory(aside.parent)


def sync_file(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def sync_directory(directory: Path) -> None:
    """So that a new name outlives a power cut. Windows needs (and has) no such thing."""
    if os.name == "posix":
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
