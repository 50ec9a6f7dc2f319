"""The message that brings a monitor its work order back."""

from __future__ import annotations

from appliance.core.messages import Navigate
from appliance.storage.currents import Current


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
