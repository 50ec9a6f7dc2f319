"""Statements that depend on what is asked for: a list as one bound value, and only the conditions that are meant."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec


def array(values: Iterable[object]) -> str:
    """`values` as one text, for `json_each(?)`."""
    return msgspec.json.encode(list(values)).decode()


def narrowed(clause: str, values: list[Any], conditions: Iterable[tuple[str, Any]]) -> tuple[str, list[Any]]:
    """`clause` with those of the constant `conditions` whose value isn't None, and `values` with theirs behind."""
    meant = [(condition, value) for condition, value in conditions if value is not None]
    joined = "".join(f" AND {condition}" for condition, _ in meant)
    return clause + joined, [*values, *(value for _, value in meant)]
