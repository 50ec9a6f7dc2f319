"""One check's result, as `vooster doctor` says it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from appliance.errors import Texts

State = Literal["ok", "attention", "problem"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: how it is, in a sentence, and what to do where something is to be done."""

    name: str
    state: State
    message: Texts
    action: Texts | None = None


def ok(name: str, ko: str, en: str) -> Finding:
    return Finding(name, "ok", {"ko": ko, "en": en})


def not_ok(name: str, state: State, ko: str, en: str, do_ko: str, do_en: str) -> Finding:
    return Finding(name, state, {"ko": ko, "en": en}, {"ko": do_ko, "en": do_en})


def size(count: int) -> str:
    for unit, bytes_ in (("GB", 1 << 30), ("MB", 1 << 20), ("kB", 1 << 10)):
        if count >= bytes_:
            return f"{count / bytes_:.1f} {unit}"
    return f"{count} B"
