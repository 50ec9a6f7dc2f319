"""The error catalogue: per code its HTTP status, close code, severity and what a person is told, in Korean and English.

The texts live in `catalogue.json`, which the pages import too, so that every part of the product says the same words.
"""

from __future__ import annotations

import json
import math
import secrets
from dataclasses import dataclass, field
from importlib import resources
from typing import Any, Final

Texts = dict[str, str]
"""A text by language: `{"ko": ..., "en": ...}`."""


_WORDS: Final[dict[str, dict[str, Texts]]] = {
    "state": {
        "awaitingOrder": {"ko": "주문 조회 중", "en": "Looking up"},
        "pending": {"ko": "대기 중", "en": "Waiting"},
        "sent": {"ko": "보냄", "en": "Sent"},
        "received": {"ko": "받음", "en": "Received"},
        "shown": {"ko": "표시됨", "en": "Shown"},
        "superseded": {"ko": "새 주문으로 바뀜", "en": "Replaced"},
        "dead": {"ko": "미전달", "en": "Undelivered"},
        "discarded": {"ko": "버림", "en": "Discarded"},
    },
    "role": {
        "viewer": {"ko": "보기 전용", "en": "Viewer"},
        "operator": {"ko": "작업자", "en": "Operator"},
        "supervisor": {"ko": "현장 관리자", "en": "Supervisor"},
        "admin": {"ko": "시스템 관리자", "en": "Administrator"},
    },
}
"""What people call the contract's own words, by the placeholder that they fill."""


class _Blank(dict[str, Any]):
    """Fills a placeholder nobody gave a value for with a dash, so that a missing detail never hides the message."""

    def __missing__(self, key: str) -> str:
        return "–"


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the catalogue: `status` is the HTTP status, `close_code` the WebSocket one, where it has them."""

    code: str
    status: int | None
    close_code: int | None
    retryable: bool
    severity: str
    message: Texts
    action: Texts
    dead_action: Texts | None = None
    without: dict[str, dict[str, Texts]] = field(default_factory=dict)
    """By placeholder, the `message` or `action` to take instead where nobody gave a value for it."""

    def messages(self, **values: Any) -> Texts:
        """What happened, by language, with `{placeholders}` filled from `values`. A value may itself be by language."""
        return _fill(self._instead("message", values) or self.message, values)

    def actions(self, *, dead: bool = False, **values: Any) -> Texts:
        """What the person can do; with `dead` the wording for a delivery that waits in the dead-letter list."""
        if dead and self.dead_action:
            return _fill(self.dead_action, values)
        return _fill(self._instead("action", values) or self.action, values)

    def _instead(self, kind: str, values: dict[str, Any]) -> Texts | None:
        found = (texts.get(kind) for name, texts in self.without.items() if values.get(name) is None)
        return next(found, None)


def _fill(texts: Texts, values: dict[str, Any]) -> Texts:
    return {language: text.format_map(_spoken(values, language)) for language, text in texts.items()}


def _spoken(values: dict[str, Any], language: str) -> _Blank:
    """The values that there are, in one language."""
    found = _Blank()
    for name, value in values.items():
        if isinstance(value, dict):
            found[name] = value[language]
        elif name in _WORDS:
            words = _WORDS[name]
            found[name] = ", ".join(words[part][language] if part in words else part for part in str(value).split(", "))
        elif value is not None:
            found[name] = value
    if isinstance(values.get("seconds"), int):
        found["wait"] = _lasting(values["seconds"])[language]
    return found


def _lasting(seconds: int) -> Texts:
    """How long that is for a person: nobody counts to 3,600."""
    if seconds < 2 * 60:
        return {"ko": f"{seconds}초", "en": f"{seconds} s"}
    minutes = math.ceil(seconds / 60)
    if minutes < 2 * 60:
        return {"ko": f"약 {minutes}분", "en": f"about {minutes} min"}
    hours = math.ceil(minutes / 60)
    return {"ko": f"약 {hours}시간", "en": f"about {hours} h"}


def _load() -> dict[str, Entry]:
    raw = json.loads(resources.files(__package__).joinpath("catalogue.json").read_text("utf-8"))
    return {
        code: Entry(
            code=code,
            status=row["status"],
            close_code=row["closeCode"],
            retryable=row["retryable"],
            severity=row["severity"],
            message=row["message"],
            action=row["action"],
            dead_action=row.get("deadAction"),
            without=row.get("without", {}),
        )
        for code, row in raw.items()
    }


CATALOGUE: Final[dict[str, Entry]] = _load()


def entry(code: str) -> Entry:
    """The catalogue's row for `code`; a code it doesn't know gets the words for "something unknown went wrong"."""
    return CATALOGUE.get(code) or CATALOGUE["UNKNOWN"]


def tactful(error: Exception) -> str:
    """What a decoder says of a value that doesn't fit, without the value: it may be a secret in the wrong place."""
    reason, at, place = str(error).rpartition(" - at `")
    if (reason or place).startswith(("Invalid value", "Invalid enum value")):
        reason, place = ("Invalid value", place) if at else ("", "Invalid value")
    return reason + at + place


def new_trace_id() -> str:
    """What a person reads out to whoever looks into the log: 12 hexadecimal digits."""
    return secrets.token_hex(6)


@dataclass(slots=True)
class FieldError:
    """One wrong member of a request: its path and, in English, what is wrong with it."""

    field: str
    reason: str


@dataclass
class Problem(Exception):
    """Anything a person could cause or has to be told of. `code` is the catalogue's; `values` fill its placeholders
    (a text by language where the languages differ).

    `detail` is one English sentence for whoever reads the answer of a program; `extra` adds members to the answer
    (`serverTime`, for instance). Never carries a secret.
    """

    code: str
    detail: str = ""
    errors: list[FieldError] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    retry_after: int | None = None

    def __post_init__(self) -> None:
        super().__init__(self.code, self.detail)

    def __str__(self) -> str:
        return f"{self.code}: {self.detail or self.messages()['en']}"

    @property
    def status(self) -> int:
        """HTTP status; 500 for a code that never was meant as an answer."""
        return entry(self.code).status or 500

    @property
    def retryable(self) -> bool:
        return entry(self.code).retryable

    def messages(self) -> Texts:
        return entry(self.code).messages(**self.values)

    def actions(self) -> Texts:
        return entry(self.code).actions(**self.values)


def too_many(seconds: int) -> Problem:
    """`RATE_LIMITED` that says for how long."""
    return Problem("RATE_LIMITED", values={"seconds": seconds}, extra={"seconds": seconds}, retry_after=seconds)
