"""What the wires need beside their own messages."""

from __future__ import annotations

from appliance.api.answers.shape import Answer


class Ticket(Answer):
    """Opens one stream within `expiresIn` seconds."""

    ticket: str
    expires_in: int
