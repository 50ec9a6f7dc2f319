"""Turns of the event loop, and messages that hold it up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from appliance.core.messages import ClientMessage
from appliance.relay.conversation import Conversation, Reply, Rest
from appliance.relay.sessions import Session


@contextmanager
def costly_messages(conversation: Conversation, seconds: float) -> Iterator[list[int]]:
    """Every message takes the loop for so long; gives the number of the loop's turn in which each was handled."""
    loop, take = asyncio.get_running_loop(), conversation.take
    handled: list[int] = []
    turn, counts = 0, True

    def count() -> None:
        nonlocal turn
        turn += 1
        if counts:
            loop.call_soon(count)

    def slowly(session: Session, message: ClientMessage, reply: Reply | None = None) -> Rest | None:
        handled.append(turn)
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            pass
        return take(session, message, reply)

    loop.call_soon(count)
    with patch.object(conversation, "take", slowly):
        yield handled
    counts = False
