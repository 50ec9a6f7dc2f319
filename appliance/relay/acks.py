"""What a client's ack says, as an event for the delivery it names."""

from __future__ import annotations

from typing import Any

import msgspec

from appliance.core.delivery import Event, Happening
from appliance.core.messages import Ack
from appliance.core.screens import MAX_DISPLAY_INDEX
from appliance.errors import FieldError, Problem
from appliance.relay.sessions import Session

MAX_DETAIL = 500
MAX_URL = 2048
MAX_DISPLAY_BYTES = 4096
MAX_BOUNDS = 16


def happening_of(ack: Ack, session: Session) -> Happening:
    """The event. Raises `VALIDATION_ERROR` for a `shown` without its evidence, or with more than that."""
    if ack.status == "received":
        return Happening(Event.ACK_RECEIVED, shown_capable=session.shows, online=not session.closed)
    if ack.status == "failed":
        return Happening(Event.FAILED, code=ack.code, detail=ack.detail[:MAX_DETAIL] if ack.detail else None)
    wrong = []
    if ack.display is not None and not (
        is_flat(ack.display.bounds) and len(msgspec.json.encode(ack.display)) <= MAX_DISPLAY_BYTES
    ):
        wrong.append(FieldError("display.bounds", f"at most {MAX_BOUNDS} numbers, {MAX_DISPLAY_BYTES} bytes in all"))
    if ack.display is None or not 0 <= ack.display.index <= MAX_DISPLAY_INDEX:
        wrong.append(FieldError("display.index", f"0 to {MAX_DISPLAY_INDEX}: the display it is on"))
    if not ack.url:
        wrong.append(FieldError("url", "the address that is shown"))
    if wrong:
        raise Problem("VALIDATION_ERROR", "shown needs evidence: display.index and url.", errors=wrong)
    evidence: dict[str, Any] = {"display": msgspec.to_builtins(ack.display), "url": (ack.url or "")[:MAX_URL]}
    if ack.window_id is not None:
        evidence["windowId"] = ack.window_id
    return Happening(Event.ACK_SHOWN, evidence=evidence, online=True)


def is_flat(bounds: dict[str, Any] | None) -> bool:
    """Whether these are what a client says of where a monitor is: what is nested can be read but, a few calls deeper,
    not be written any more."""
    values = (bounds or {}).values()
    return len(values) <= MAX_BOUNDS and all(value is None or isinstance(value, int | float | str) for value in values)
