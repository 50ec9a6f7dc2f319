"""What lists are asked for: filters, pages and formats, checked, with every wrong value named."""

from __future__ import annotations

import contextlib
import unicodedata
from typing import Literal

from aiohttp import hdrs, web

from appliance.core.screens import SCREEN_ID
from appliance.core.triggers import is_order_id
from appliance.errors import CATALOGUE, FieldError, Problem
from appliance.relay.principal import Principal
from appliance.relay.screens import Screens
from appliance.storage.database import Database

Format = Literal["json", "csv", "ndjson"]

_FORMATS: dict[str, Format] = {"text/csv": "csv", "application/x-ndjson": "ndjson"}
_LATEST = 1 << 53


class Checks:
    """Collects what is wrong with the values of one request; `end` refuses it when something is."""

    def __init__(self) -> None:
        self._errors: list[FieldError] = []

    def wrong(self, name: str, reason: str) -> None:
        self._errors.append(FieldError(name, reason))

    def end(self) -> None:
        """Raises `VALIDATION_ERROR` naming every wrong value."""
        if self._errors:
            raise Problem("VALIDATION_ERROR", "The request has values that don't fit.", errors=self._errors)

    def screen_id(self, value: str | None) -> str | None:
        if value is not None and not SCREEN_ID.match(value):
            self.wrong("screenId", "1 to 64 of the characters A-Z a-z 0-9 . _ -")
        return value

    def order_id(self, value: str | None) -> str | None:
        """The order's number as triggers keep it."""
        if value is None:
            return None
        value = unicodedata.normalize("NFC", value).strip(" ")
        if not is_order_id(value):
            self.wrong("orderId", "1 to 128 letters, digits, spaces or ._:/+#$=@,()-")
        return value

    def code(self, value: str | None) -> str | None:
        if value is not None and value not in CATALOGUE:
            self.wrong("code", "an error code, like SCREEN_OFFLINE")
        return value

    def times(self, since: int | None, until: int | None, names: tuple[str, str]) -> None:
        for name, value in zip(names, (since, until), strict=True):
            if value is not None and not 0 <= value <= _LATEST:
                self.wrong(name, "milliseconds since 1970, UTC")
        if since is not None and until is not None and since > until:
            self.wrong(names[1], f"not before {names[0]}")


class Query(Checks):
    """The same for the values behind the question mark of an address."""

    def __init__(self, request: web.Request) -> None:
        super().__init__()
        self._values = request.query

    def text(self, name: str) -> str | None:
        return self._values.get(name)

    def meant(self, *names: str) -> dict[str, object]:
        """Those of the filters that were given, as the audit keeps them."""
        return {name: self._values[name] for name in names if name in self._values}

    def number(self, name: str, reason: str) -> int | None:
        text = self._values.get(name)
        if text is None:
            return None
        if not (text.isascii() and text.isdigit() and len(text) < 17):
            self.wrong(name, reason)
            return None
        return int(text)

    def time(self, name: str) -> int | None:
        return self.number(name, "milliseconds since 1970, UTC")

    def limit(self, default: int, most: int) -> int:
        """How long a page may be."""
        found = self.number("limit", f"1 to {most}")
        if found is not None and not 1 <= found <= most:
            self.wrong("limit", f"1 to {most}")
        return default if found is None else found

    def cursor(self, parts: int) -> tuple[int, ...] | None:
        """The numbers that a cursor is made of."""
        return numbers_of(self, self._values.get("cursor"), parts)


def numbers_of(checks: Checks, cursor: str | None, parts: int) -> tuple[int, ...] | None:
    """A cursor as `cursor_of` has made it."""
    if cursor is None:
        return None
    found = cursor.split("-")
    if len(found) != parts or not all(part.isascii() and part.isdigit() and len(part) < 17 for part in found):
        checks.wrong("cursor", "as given by the page before")
        return None
    return tuple(int(part) for part in found)


def cursor_of(*numbers: int) -> str:
    return "-".join(map(str, numbers))


def format_of(request: web.Request, *offered: Format) -> Format:
    """The format that the caller likes best of those `offered`; JSON when he names none of them."""
    best: tuple[float, Format] = (0.0, "json")
    for part in ",".join(request.headers.getall(hdrs.ACCEPT, [])).split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        found = _FORMATS.get(name, "json")
        quality = next((_quality(p[2:]) for p in parameters if p.startswith("q=")), 1.0)
        if found in (*offered, "json") and quality > best[0]:
            best = (quality, found)
    return best[1]


def _quality(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


async def saved(database: Database) -> None:
    """Returns when a read sees what has happened until now. While the storage refuses, what it has is all there is."""
    with contextlib.suppress(Problem):
        await database.flush()


def reach(screens: Screens, principal: Principal) -> frozenset[str] | None:
    """The ids of all screens within a credential's scope; None where it has no limits."""
    if principal.screens is None and principal.groups is None:
        return None
    named = principal.screens or frozenset()
    return named | {s.screen_id for s in screens.all() if principal.reaches(s.screen_id, s.groups)}
