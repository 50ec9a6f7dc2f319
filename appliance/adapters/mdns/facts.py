"""What the page and `vooster doctor` show of being found, as one plain answer."""

from __future__ import annotations

from typing import Any

from appliance.adapters.mdns.hearsay import Other
from appliance.adapters.mdns.names import SERVICE_TYPE
from appliance.adapters.mdns.reasons import Reason
from appliance.adapters.mdns.segment import Segment


def of(
    *,
    status: dict[str, Any],
    reason: Reason | None,
    port: int,
    txt: dict[str, str],
    segments: list[Segment],
    troubles: list[tuple[str, Reason]],
    others: list[Other],
) -> dict[str, Any]:
    """In the API's own names; times are ms since the epoch."""
    return {
        "host": status["host"],
        "instance": status["name"] if status["host"] else None,
        "service": SERVICE_TYPE.rstrip("."),
        "port": port,
        "txt": txt,
        "problem": _problem(reason),
        "cards": [*map(_card, segments), *(_troubled(name, why) for name, why in troubles)],
        "others": [
            {
                "instance": other.instance,
                "host": other.host,
                "port": other.port,
                "addresses": list(other.addresses),
                "instanceId": other.instance_id,
                "version": other.version,
                "card": other.card,
            }
            for other in others
        ],
        "listenedAt": max((s.listened_at for s in segments if s.listened_at), default=None),
    }


def _card(segment: Segment) -> dict[str, Any]:
    announced = segment.info is not None
    reason = Reason("NOT_HEARD", segment.card.name) if segment.heard is False else None
    return {
        "name": segment.card.name,
        "addresses": list(segment.card.addresses),
        "announced": announced,
        "heard": segment.heard if announced else None,
        "problem": _problem(reason),
    }


def _troubled(name: str, reason: Reason) -> dict[str, Any]:
    return {"name": name, "addresses": [], "announced": False, "heard": None, "problem": _problem(reason)}


def _problem(reason: Reason | None) -> dict[str, Any] | None:
    if reason is None:
        return None
    return {"code": reason.code, "messages": reason.messages(), "action": reason.actions()}
