"""What a screen is: one station's monitor set, with its name, lines and default display."""

from __future__ import annotations

import re
from typing import Any, Literal

import msgspec

from appliance.errors import FieldError, Problem

SCREEN_ID = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")
MAX_DISPLAY_INDEX = 15

ScreenState = Literal["showing", "ready", "problem", "offline", "unpaired", "revoked"]


class Display(msgspec.Struct, frozen=True, omit_defaults=True):
    """One monitor as a client declares it; `bounds` in device-independent pixels of the desktop."""

    index: int
    name: str | None = None
    bounds: dict[str, Any] | None = None
    primary: bool | None = None


class Client(msgspec.Struct, frozen=True, omit_defaults=True):
    """The program behind a session: its name and version as it says, its address as seen."""

    name: str = ""
    version: str = ""
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

    @property
    def paired(self) -> bool:
        return self.paired_at is not None


def check_id(screen_id: str) -> str:
    """`screen_id` when it is one. Raises `VALIDATION_ERROR`."""
    if not SCREEN_ID.match(screen_id):
        reason = "1 to 64 of the characters A-Z a-z 0-9 . _ -"
        raise Problem("VALIDATION_ERROR", "Not a screen id.", errors=[FieldError("screenId", reason)])
    return screen_id


def next_id(taken: set[str]) -> str:
    """The first free id of the usual form, `SCREEN-001` and on."""
    number = 1
    while f"SCREEN-{number:03d}" in taken:
        number += 1
    return f"SCREEN-{number:03d}"
