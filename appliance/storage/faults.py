"""What an error of SQLite says about the storage: damage that stays, or trouble that may pass."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
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


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the file's content is wrong. Waiting mends a full or a slow disk, but never this."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return _UNDECODABLE in str(error)
    return (code & 0xFF) in _DAMAGE


def is_trouble(error: sqlite3.Error) -> bool:
    """Whether the disk or another program is in the way, which may pass; the content may be fine."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and not is_damage(error) and (code & 0xFF) != sqlite3.SQLITE_ERROR
