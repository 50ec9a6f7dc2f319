"""The message that shows a document: of a delivery on its way, and of one that a monitor gets again."""

from __future__ import annotations

from appliance.core.delivery import Delivery
from appliance.core.messages import Navigate
from appliance.storage.currents import Current


def navigate(delivery: Delivery, url: str, *, seq: int) -> Navigate:
    """Shows a delivery's document, which is at `url`; `seq` is no lower than any that was sent for its display."""
    return Navigate(
        id=delivery.id,
        trigger_id=delivery.trigger_id,
        order_id=delivery.order_id,
        url=url,
        title=delivery.title or delivery.order_id or url,
        content_type=delivery.content_type or "text/html",
        display_index=delivery.display_index,
        seq=seq,
        round=delivery.round,
        attempt=delivery.attempt,
        accepted_at=delivery.accepted_at,
        expires_at=delivery.expires_at,
    )


def restored(current: Current, url: str) -> Navigate:
    """A lane's current document, to be shown again; acking it changes nothing."""
    return Navigate(
        id=f"{current.trigger_id}:{current.screen_id}",
        trigger_id=current.trigger_id,
        order_id=current.order_id,
        url=url,
        title=current.title,
        content_type=current.content_type,
        display_index=current.display_index,
        seq=current.seq,
        round=current.round,
        attempt=current.attempt,
        accepted_at=current.accepted_at,
        expires_at=current.expires_at,
        restored=True,
    )
