"""Deliveries and screens as answers show them."""

from __future__ import annotations

from typing import Any

import msgspec

from appliance.api.exports import moment
from appliance.core.delivery import Delivery, State
from appliance.core.screens import Screen, ScreenState
from appliance.errors import CATALOGUE, entry
from appliance.relay.auth import Auth
from appliance.relay.currents import Currents
from appliance.relay.outcomes import wording
from appliance.relay.screens import Screens
from appliance.relay.sessions import Sessions


def delivery_view(delivery: Delivery) -> dict[str, Any]:
    """A delivery with its whole history."""
    view: dict[str, Any] = {
        "id": delivery.id,
        "screenId": delivery.screen_id,
        "displayIndex": delivery.display_index,
        "state": delivery.state.value,
        "final": delivery.final,
        "seq": delivery.seq,
        "round": delivery.round,
        "attempt": delivery.attempt,
        "title": delivery.title,
        "expiresAt": delivery.expires_at,
        "history": msgspec.to_builtins(delivery.history),
    }
    known = {"code": delivery.code, "cause": delivery.cause, "evidence": delivery.evidence}
    return view | {name: value for name, value in known.items() if value is not None}


class Names:
    """What people call screens and senders."""

    def __init__(self, screens: Screens, auth: Auth) -> None:
        self._screens = screens
        self._auth = auth

    def screen(self, screen_id: str) -> str:
        return self._screens.name_of(screen_id)

    def sender(self, actor: str) -> str | None:
        """The name behind `user:NAME`, `screen:ID`, `key:ID` or `local:USER`; None for a key that was deleted."""
        kind, _, subject = actor.partition(":")
        if kind == "key":
            return self._auth.key_name(subject)
        return self._screens.name_of(subject) if kind == "screen" else subject


def _what_and_where(delivery: Delivery, name: str) -> dict[str, Any]:
    return {
        "deliveryId": delivery.id,
        "triggerId": delivery.trigger_id,
        "orderId": delivery.order_id,
        "title": delivery.title,
        "screenId": delivery.screen_id,
        "screenName": name,
    }


def dead_letter_view(delivery: Delivery, names: Names) -> dict[str, Any]:
    """A dead delivery with the reason a supervisor reads."""
    name = names.screen(delivery.screen_id)
    code = delivery.code or "UNKNOWN"
    values = {**wording(delivery), "name": name}
    cause = CATALOGUE.get(delivery.cause or "")
    row = entry(code)
    if code == "RETRIES_EXHAUSTED" and cause is not None:
        # The client's own faults have no number here that could be told to anybody.
        row = entry("CLIENT_FAILED") if delivery.cause == "INTERNAL_ERROR" else cause
    return {
        **_what_and_where(delivery, name),
        "displayIndex": delivery.display_index,
        "code": code,
        "cause": delivery.cause,
        "messages": entry(code).messages(**values),
        "causeMessages": cause.messages(**values) if cause is not None else None,
        "action": row.actions(dead=True, **values),
        "diedAt": delivery.entered.at,
        "acceptedAt": delivery.accepted_at,
        "round": delivery.round,
        "attempt": delivery.attempt,
        "mode": delivery.mode,
        "sender": delivery.sender,
        "senderName": names.sender(delivery.sender),
        "target": delivery.target,
    }


DEAD_LETTER_COLUMNS = (
    "diedAt", "acceptedAt", "orderId", "title", "screenId", "screenName", "displayIndex", "code", "cause", "reasonKo",
    "reasonEn", "actionKo", "actionEn", "round", "attempt", "mode", "sender", "target", "deliveryId",
    "senderName",
)  # fmt: skip


def dead_letter_cells(delivery: Delivery, names: Names) -> list[object]:
    """The same as a row of `DEAD_LETTER_COLUMNS`."""
    view = dead_letter_view(delivery, names)
    texts = [view["messages"], view["causeMessages"] or {}]
    special = {
        "diedAt": moment(view["diedAt"]),
        "acceptedAt": moment(view["acceptedAt"]),
        "reasonKo": " ".join(text["ko"] for text in texts if text),
        "reasonEn": " ".join(text["en"] for text in texts if text),
        "actionKo": view["action"]["ko"],
        "actionEn": view["action"]["en"],
    }
    return [special.get(column, view.get(column)) for column in DEAD_LETTER_COLUMNS]


def dead_letter_detail(delivery: Delivery, names: Names) -> dict[str, Any]:
    """The same with all that has happened to it."""
    return dead_letter_view(delivery, names) | {
        "state": delivery.state.value,
        "final": delivery.final,
        "seq": delivery.seq,
        "contentType": delivery.content_type,
        "expiresAt": delivery.expires_at,
        "evidence": delivery.evidence,
        "history": msgspec.to_builtins(delivery.history),
    }


def record_view(delivery: Delivery, names: Names) -> dict[str, Any]:
    """A delivery as the record of who was shown what, where and when: the times are those of its last try."""
    times = {line.state: line.at for line in delivery.history}
    return {
        **_what_and_where(delivery, names.screen(delivery.screen_id)),
        "displayIndex": delivery.display_index,
        "state": delivery.state.value,
        "final": delivery.final,
        "code": delivery.code,
        "cause": delivery.cause,
        "mode": delivery.mode,
        "sender": delivery.sender,
        "senderName": names.sender(delivery.sender),
        "target": delivery.target,
        "round": delivery.round,
        "attempt": delivery.attempt,
        "acceptedAt": delivery.accepted_at,
        "sentAt": times.get(State.SENT.value),
        "receivedAt": times.get(State.RECEIVED.value),
        "shownAt": times.get(State.SHOWN.value),
        "endedAt": delivery.entered.at if delivery.final else None,
        "evidence": delivery.evidence,
    }


RECORD_COLUMNS = (
    "acceptedAt", "orderId", "title", "screenId", "screenName", "state", "displayIndex", "displayName", "windowId",
    "url", "sentAt", "receivedAt", "shownAt", "endedAt", "code", "cause", "mode", "round", "attempt", "sender",
    "target", "deliveryId", "senderName",
)  # fmt: skip
_TIMES = frozenset({"acceptedAt", "sentAt", "receivedAt", "shownAt", "endedAt"})


def record_cells(delivery: Delivery, names: Names) -> list[object]:
    """The same as a row of `RECORD_COLUMNS`; `displayIndex` is the one the screen says it was shown on."""
    view = record_view(delivery, names)
    if delivery.evidence is not None:
        display = delivery.evidence["display"]
        view |= {
            "displayIndex": display["index"],
            "displayName": display.get("name"),
            "windowId": delivery.evidence.get("windowId"),
            "url": delivery.evidence.get("url"),
        }
    return [moment(view[column]) if column in _TIMES else view.get(column) for column in RECORD_COLUMNS]


def scan_view(delivery: Delivery, name: str) -> dict[str, Any]:
    """A scan as the live page lists it; times are ms since it was accepted, null until they are known."""
    times: dict[str, int] = {}
    for line in delivery.history:
        if line.state in {State.SENT.value, State.RECEIVED.value, State.SHOWN.value}:
            times[line.state] = line.at - delivery.accepted_at
    return {
        **_what_and_where(delivery, name),
        "state": delivery.state.value,
        "code": delivery.code,
        "acceptedAt": delivery.accepted_at,
        "sentMs": times.get("sent"),
        "receivedMs": times.get("received"),
        "shownMs": times.get("shown"),
    }


class ScreenViews:
    """Screens with what is known of them right now."""

    def __init__(self, sessions: Sessions, currents: Currents) -> None:
        self._sessions = sessions
        self._currents = currents

    def view(self, screen: Screen) -> dict[str, Any]:
        online = self._sessions.of_screen(screen.screen_id) is not None
        shown = self._currents.of_screen(screen.screen_id)
        current = shown[0] if shown else None
        return {
            "screenId": screen.screen_id,
            "name": screen.name,
            "groups": screen.groups,
            "displayIndex": screen.display_index,
            "user": screen.user,
            "permission": screen.permission,
            "paired": screen.paired,
            "online": online,
            "lastSeenAt": screen.last_seen_at,
            "displays": msgspec.to_builtins(screen.displays),
            "currentDocument": {"orderId": current.order_id, "title": current.title, "shownAt": current.at}
            if current
            else None,
            "client": msgspec.to_builtins(screen.client) if screen.client else None,
            "state": state_of(screen, online=online, showing=current is not None),
            "warnings": _warnings(screen),
        }


def _warnings(screen: Screen) -> list[dict[str, Any]]:
    """What somebody must put right about it, by code; `address` is where the second PC was seen."""
    if screen.cloned_at is None:
        return []
    return [{"code": "SCREEN_CLONED", "at": screen.cloned_at, "address": screen.cloned_from or None}]


def state_of(screen: Screen, *, online: bool, showing: bool) -> ScreenState:
    """The one word for a screen, as pages show it."""
    if not screen.paired:
        return "revoked" if screen.revoked_at is not None else "unpaired"
    if not online:
        return "offline"
    return "showing" if showing else "ready"
