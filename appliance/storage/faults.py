"""What an error of SQLite says about the storage: damage that stays, or trouble that may pass."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path

_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_PIECE = 1 << 20
_UNDECODABLE = "Could not decode to UTF-8"
"""How Python refuses text that is none. Only text is ever written, so something else wrote over it."""


@dataclass(frozen=True, slots=True)
class Damage:
    """Why the data file isn't used any more: `reason` in English, the `file` that will hold what there is, and the
    `command` that saves what can be read of it."""

    reason: str
    file: str

    @property
    def command(self) -> str:
        return f"vooster doctor --salvage {self.file}"


class GarbledError(sqlite3.DatabaseError):
    """A row holds what was never written into it, though SQLite finds nothing wrong with the file."""


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the file's content is wrong. Waiting mends a full or a slow disk, but never this."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return isinstance(error, GarbledError) or _UNDECODABLE in str(error)
    return (code & 0xFF) in _DAMAGE


def is_trouble(error: sqlite3.Error) -> bool:
    """Whether something is in the way that may pass (the disk, another program, a fault of ours): the content may be
    fine."""
    return getattr(error, "sqlite_errorcode", None) is not None and not is_damage(error)


def is_wrong_schema(error: sqlite3.Error) -> bool:
    """Whether a migration has found other tables than the file's version says: that number is damaged, or they are."""
    code = getattr(error, "sqlite_errorcode", None)
    return code == sqlite3.SQLITE_ERROR and any(words in str(error) for words in ("already exists", "no such"))


def is_lasting(path: Path, error: sqlite3.Error, descriptor: int | None = None) -> bool:
    """Whether `error` means that the file at `path` is damaged for good.

    SQLite calls a file malformed as well when the disk refused to read it (EIO), which may pass. So before anything is
    concluded from that word the whole file is read again, twice, and looked through. Whoever has it open in SQLite
    gives a `descriptor` of it: closing one here would take away all locks that this process has on the file.
    """
    code = getattr(error, "sqlite_errorcode", None)
    if code not in (None, sqlite3.SQLITE_CORRUPT) or isinstance(error, GarbledError) or _UNDECODABLE in str(error):
        return is_damage(error)
    return not any(_looks_well(path, descriptor) for _ in range(2))


def _looks_well(path: Path, descriptor: int | None) -> bool:
    """Whether a look finds no damage, be it because the file can't be read now."""
    try:
        if descriptor is None or not hasattr(os, "pread"):
            _read_through(path)
        else:
            offset = 0
            while found := len(os.pread(descriptor, _PIECE, offset)):
                offset += found
        _read_through(path.with_name(f"{path.name}-wal"))
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)
        try:
            return bool(connection.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")
        finally:
            connection.close()
    except sqlite3.Error as error:
        return is_trouble(error)
    except OSError:
        return True


def _read_through(file: Path) -> None:
    """Raises OSError where the disk refuses a part; a file that isn't there has none."""
    with contextlib.suppress(FileNotFoundError), file.open("rb") as content:
        while content.read(_PIECE):
            pass
