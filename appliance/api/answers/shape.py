"""What all answers are made of."""

from __future__ import annotations

from typing import Literal

import msgspec

Role = Literal["viewer", "operator", "supervisor", "admin"]
State = Literal["awaitingOrder", "pending", "sent", "received", "shown", "superseded", "dead"]
Mode = Literal["latest", "queue"]


class Answer(msgspec.Struct, rename="camel", kw_only=True):
    """Its members are told in camelCase."""
