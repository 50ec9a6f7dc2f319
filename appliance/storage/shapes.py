"""What a row of each table must look like. Salvage keeps no row that fits less: a damaged page can hold anything."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from appliance.core.delivery import State
from appliance.core.roles import Role

Check = Callable[[Any], bool]

_UNREADABLE = (msgspec.MsgspecError, TypeError, ValueError, RecursionError)
_LATEST_MS = 1 << 42
"""The year 2109; no clock of a PC goes that far."""
_UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\Z")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_STATES = frozenset(state.value for state in State)
_ENDS = frozenset({State.SHOWN.value, State.SUPERSEDED.value, State.DEAD.value})
_ROLES = frozenset(role.label for role in Role)


def _number(value: Any, least: int = 0, most: int = 1 << 62) -> bool:
    return type(value) is int and least <= value <= most


def _text(value: Any) -> bool:
    return isinstance(value, str) and (value.isprintable() or not _CONTROL.search(value))


def _filled(value: Any) -> bool:
    return _text(value) and bool(value)


def _one_of(value: Any, words: frozenset[str]) -> bool:
    return value in words


def _digest(value: Any) -> bool:
    return isinstance(value, bytes) and len(value) == 32


def _uuid(value: Any) -> bool:
    return isinstance(value, str) and bool(_UUID.match(value))


def _json(value: Any, kind: Any) -> bool:
    try:
        msgspec.json.decode(value, type=kind)
    except _UNREADABLE:
        return False
    return isinstance(value, str)


def _password(value: Any) -> bool:
    return _text(value) and value.startswith("$argon2")


class _Line(msgspec.Struct, array_like=True):
    """A packed line of a history."""

    after: int
    state: Annotated[str, Meta(min_length=1)]
    round: Annotated[int, Meta(ge=1)]
    attempt: Annotated[int, Meta(ge=1)]
    code: str | None = None
    cause: str | None = None
    detail: str | None = None


_lines = msgspec.msgpack.Decoder(list[_Line]).decode


def _history(value: Any) -> bool:
    try:
        return bool(_lines(value))
    except _UNREADABLE:
        return False


def _settled(delivery: list[Any]) -> bool:
    """Whether `final` and `listed` go with the state; `received` may be final or not."""
    state, final, listed = delivery[5:8]
    return (state == State.RECEIVED or final == (state in _ENDS)) and (not listed or state == State.DEAD)


def _maybe(check: Check) -> Check:
    return lambda value: value is None or check(value)


_key = partial(_number, least=1)
_time = partial(_number, most=_LATEST_MS)
_flag = partial(_number, most=1)
_small = partial(_number, most=1_000_000)
_display = partial(_number, most=255)
_names = partial(_json, kind=list[str])


@dataclass(frozen=True, slots=True)
class Shape:
    """A table's columns with what each may hold, and a `rule` for a row as a whole. `rowid`: the first column is the
    key of its place in the tree. `newest` is what is greater in the newer of two rows with the same key; `before` is
    how many columns an earlier version had."""

    columns: dict[str, Check]
    rowid: bool = False
    newest: str | None = None
    rule: Check | None = None
    before: int = 0

    @property
    def widths(self) -> set[int]:
        """How many columns a row may have."""
        return {len(self.columns), self.before or len(self.columns)}

    def fits(self, values: list[Any]) -> bool:
        """`values` in the columns' order; the last ones may be missing where a later version has added columns."""
        if not 0 < len(values) <= len(self.columns):
            return False
        checks = iter(self.columns.values())
        for value, check in zip(values, checks, strict=False):
            if not check(value):
                return False
        return all(check(None) or check(0) for check in checks) and (self.rule is None or self.rule(values))


TABLES: dict[str, Shape] = {
    "meta": Shape({"key": _filled, "value": _text}),
    "screens": Shape(
        {
            "screen_id": _filled, "name": _text, "groups": _names, "display_index": _display, "user": _maybe(_text),
            "permission": partial(_one_of, words=_ROLES), "created_at": _time, "paired_at": _maybe(_time),
            "revoked_at": _maybe(_time), "last_seen_at": _maybe(_time),
            "displays": partial(_json, kind=list[dict[str, Any]]),
            "client": _maybe(partial(_json, kind=dict[str, Any])), "cloned_at": _maybe(_time),
            "cloned_from": _maybe(_text),
        }
    ),
    "users": Shape(
        {
            "name": _filled, "folded": _filled, "role": partial(_one_of, words=_ROLES), "groups": _maybe(_names),
            "password": _password, "created_at": _time, "signed_in_at": _maybe(_time),
        }
    ),
    "cookie_sessions": Shape({"hash": _digest, "user": _filled, "created_at": _time, "used_at": _time}),
    "api_keys": Shape(
        {
            "id": _filled, "hash": _digest, "name": _filled, "role": partial(_one_of, words=_ROLES),
            "screens": _maybe(_names), "groups": _maybe(_names), "created_at": _time, "last_used_at": _maybe(_time),
            "expires_at": _maybe(_time),
        }
    ),
    "grants": Shape(
        {
            "id": _filled, "kind": partial(_one_of, words=frozenset({"user", "screen"})), "subject": _filled,
            "secret": _maybe(_digest), "created_at": _time, "used_at": _maybe(_time), "expires_at": _time,
        }
    ),
    "refresh_tokens": Shape({"hash": _digest, "grant_id": _filled, "used_at": _maybe(_time), "expires_at": _time}),
    "device_secrets": Shape(
        {
            "hash": _digest, "screen_id": _filled, "created_at": _time, "confirmed_at": _maybe(_time),
            "retired_at": _maybe(_time),
        }
    ),
    "pairing_offers": Shape(
        {
            "hash": _digest, "screen_id": _filled, "replaces": _flag, "created_at": _time, "expires_at": _time,
            "actor": _maybe(_filled),
        }
    ),
    "triggers": Shape(
        {
            "pk": _key, "id": _uuid, "sender": _filled, "order_id": _maybe(_filled), "target": _filled,
            "display_index": _maybe(_display), "url": _maybe(_text), "title": _maybe(_text),
            "mode": partial(_one_of, words=frozenset({"latest", "queue"})), "ttl_ms": _key, "nonce": _maybe(_text),
            "accepted_at": _time,
        },
        rowid=True,
    ),
    "deliveries": Shape(
        {
            "pk": _key, "trigger_pk": _key, "screen_id": _filled, "display_index": _display, "seq": _key,
            "state": partial(_one_of, words=_STATES), "final": _flag, "listed": _flag,
            "round": partial(_small, least=1), "attempt": partial(_small, least=1), "losses": _small,
            "auto_rounds": _small, "ref": _maybe(_text),
            "title": _maybe(_text), "content_type": _maybe(_text), "code": _maybe(_filled), "cause": _maybe(_filled),
            "evidence": _maybe(partial(_json, kind=dict[str, Any])), "expires_at": _time, "updated_at": _time,
            "history": _history,
        },
        rowid=True,
        newest="length(history)",
        rule=_settled,
    ),
    "audit": Shape(
        {
            "pk": _key, "at": _time, "actor": _filled, "action": _filled, "target": _maybe(_text),
            "detail": _maybe(partial(_json, kind=dict[str, Any])), "screen_id": _maybe(_filled),
            "address": _maybe(_filled), "prev": _maybe(_digest), "mac": _maybe(_digest),
        },
        rowid=True,
        before=6,
    ),
}  # fmt: skip
"""Every table worth salvaging, those that others refer to first. What the lanes show is not among them: after a loss
nobody knows it any more."""
