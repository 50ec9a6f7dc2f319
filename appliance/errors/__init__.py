"""The error catalogue: per code its HTTP status, close code, severity and what a person is told, in Korean and English.

The texts live in `catalogue.json`, which the pages import too, so that every part of the product says the same words.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from importlib import resources
from typing import Any, Final

Texts = dict[str, str]
"""A text by language: `{"ko": ..., "en": ...}`."""


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

    def messages(self, **values: Any) -> Texts:
        """What happened, by language, with `{placeholders}` filled from `values`."""
        return _fill(self.message, values)

    def actions(self, *, dead: bool = False, **values: Any) -> Texts:
        """What the person can do; with `dead` the wording for a delivery that waits in the dead-letter list."""
        return _fill(self.dead_action if dead and self.dead_action else self.action, values)


def _fill(texts: Texts, values: dict[str, Any]) -> Texts:
    return {language: text.format_map(_Blank(values)) for language, text in texts.items()}


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
        )
        for code, row in raw.items()
    }


CATALOGUE: Final[dict[str, Entry]] = _load()


def entry(code: str) -> Entry:
    """The catalogue's row for `code`; a code it doesn't know gets the words for "something unknown went wrong"."""
    return CATALOGUE.get(code) or CATALOGUE["UNKNOWN"]


@dataclass(slots=True)
class FieldError:
    """One wrong member of a request: its path and, in English, what is wrong with it."""

    field: str
    reason: str


@dataclass
class Problem(Exception):
    """Anything a person could cause or has to be told of. `code` is the catalogue's; `values` fill its placeholders.

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
