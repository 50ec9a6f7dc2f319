"""What a screen is: one station's monitor set, with its name, lines and default display."""

from __future__ import annotations

import re
import unicodedata
from typing import Any, Literal

import msgspec

from appliance.errors import FieldError, Problem

# Not "." or "..", which an address would lose on its way.
SCREEN_ID = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,64}\Z")
MAX_DISPLAY_INDEX = 15
MAX_GROUPS = 20
_MAX_NAME = 80

ScreenState = Literal["showing", "ready", "problem", "offline", "unpaired", "revoked"]


class Display(msgspec.Struct, frozen=True, omit_defaults=True):
    """One monitor as a client declares it; `bounds` in device-independent pixels of the desktop."""

    index: int
    name: str | None = None
    bounds: dict[str, Any] | None = None
    primary: bool | None = None


class Program(msgspec.Struct, frozen=True, omit_defaults=True):
    """The program behind a session, as it says of itself."""

    name: str = ""
    version: str = ""


class Client(Program, frozen=True, omit_defaults=True):
    """The same with the address that it is seen from."""

    address: str = ""


class Screen(msgspec.Struct):
    """A registered screen. Times are milliseconds since the epoch."""

    screen_id: str
    name: str
    created_at: int
    groups: list[str] = []
    display_index: int = 0
    user: str | None = None
    permission: str = "operator"
    paired_at: int | None = None
    revoked_at: int | None = None
    last_seen_at: int | None = None
    displays: list[Display] = []
    client: Client | None = None
    cloned_at: int | None = None
    """Since when it is known that two PCs use its key; until it is paired anew or unpaired."""
    cloned_from: str | None = None
    """The address the second one was seen from."""

    @property
    def paired(self) -> bool:
        return self.paired_at is not None


def check_id(screen_id: str) -> str:
    """`screen_id` when it is one. Raises `VALIDATION_ERROR`."""
    if not SCREEN_ID.match(screen_id):
        reason = "1 to 64 of the characters A-Z a-z 0-9 . _ -, and not . or .. alone"
        raise Problem("VALIDATION_ERROR", "Not a screen id.", errors=[FieldError("screenId", reason)])
    return screen_id


def check_groups(groups: list[str]) -> list[str]:
    """The lines' names as `group:NAME` finds them: in NFC, trimmed, each once. Raises `VALIDATION_ERROR`."""
    found = list(dict.fromkeys(_tidy(group) for group in groups))
    if len(found) > MAX_GROUPS or not all(_targetable(group) for group in found):
        reason = f"at most {MAX_GROUPS}, each 1 to {_MAX_NAME} characters, no * and nothing that can't be seen"
        raise Problem("VALIDATION_ERROR", "Not names of lines.", errors=[FieldError("groups", reason)])
    return found


def check_user(user: str | None) -> str | None:
    """The user's name as `user:NAME` finds it; None for nobody. Raises `VALIDATION_ERROR`."""
    found = None if user is None else _tidy(user)
    if found is not None and not _targetable(found):
        reason = f"1 to {_MAX_NAME} characters, no * and nothing that can't be seen"
        raise Problem("VALIDATION_ERROR", "Not a user's name.", errors=[FieldError("user", reason)])
    return found


def _tidy(name: str) -> str:
    return unicodedata.normalize("NFC", name.strip())


def _targetable(name: str) -> bool:
    return 1 <= len(name) <= _MAX_NAME and "*" not in name and name.isprintable()
