"""What clients send, read from whatever a wire carries it in: JSON text, bytes, or an object decoded already."""

from __future__ import annotations

import contextlib
from typing import Any, get_args

import msgspec

from appliance.core.messages import ClientMessage
from appliance.errors import FieldError, Problem, tactful

NOT_JSON = "Not JSON"

_decode = msgspec.json.Decoder(ClientMessage).decode
_KINDS: dict[Any, Any] = {kind.__struct_config__.tag: kind for kind in get_args(ClientMessage)}


class Envelope(msgspec.Struct):
    """What of a message that doesn't fit can still be read."""

    type: Any = None
    id: Any = None

    @property
    def trigger_id(self) -> str | None:
        """The id to answer a trigger that can't be read by."""
        return self.id if isinstance(self.id, str) else None


def parse(data: str | bytes) -> ClientMessage:
    """One message. Raises `VALIDATION_ERROR`, whose detail begins with `NOT_JSON` where it isn't even that."""
    try:
        message: ClientMessage = _decode(data)
    except msgspec.ValidationError as error:
        raise _unfit(error) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise Problem("VALIDATION_ERROR", f"{NOT_JSON}: {error}") from None
    return message


def convert(value: Any) -> ClientMessage:
    """One message out of an object with a `type`. Raises `VALIDATION_ERROR`."""
    kind = value.get("type") if isinstance(value, dict) else None
    try:
        # msgspec takes ten times as long to look into a union that it has no decoder for.
        known = _KINDS.get(kind, ClientMessage) if isinstance(kind, str) else ClientMessage
        message: ClientMessage = msgspec.convert(value, known)
    except msgspec.ValidationError as error:
        raise _unfit(error) from None
    except RecursionError:
        raise too_deep() from None
    return message


def envelope(data: str | bytes) -> Envelope:
    """What can be read of a message that `parse` refused."""
    with contextlib.suppress(msgspec.DecodeError, UnicodeError, RecursionError):
        return msgspec.json.decode(data, type=Envelope)
    return Envelope()


def is_json(problem: Problem) -> bool:
    """Whether what `parse` refused was JSON at least."""
    return not problem.detail.startswith(NOT_JSON)


def malformed(reason: str) -> Problem:
    return Problem("VALIDATION_ERROR", reason, errors=[FieldError("type", reason)])


def too_deep() -> Problem:
    """What can be read can be too deep to be written."""
    return Problem("VALIDATION_ERROR", "The message is nested too deep.")


def _unfit(error: msgspec.ValidationError) -> Problem:
    said = tactful(error)
    reason, _, place = said.partition(" - at `$.")
    return Problem("VALIDATION_ERROR", said, errors=[FieldError(place.rstrip("`"), reason)])
