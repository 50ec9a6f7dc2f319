"""What all clients of a run share: where the appliance is, whether it is up, and where they write what they see."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

import aiohttp

from tests.faults.ledger import Ledger, Sights

_Opening = AbstractAsyncContextManager[aiohttp.ClientWebSocketResponse]


@dataclass
class Field:
    """A run's surroundings. `seed` is behind every choice that anybody makes by chance."""

    seed: int
    url: str
    http: aiohttp.ClientSession
    ledger: Ledger
    sights: Sights
    up: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while the appliance serves, as far as anybody knows."""
    calm: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the end has come: nobody goes away any more, and nobody sends anything new."""

    def socket(self) -> _Opening:
        """A WebSocket to the appliance, for `async with`; closing it waits for nobody."""
        return self.http.ws_connect(
            f"ws{self.url.removeprefix('http')}/ws", timeout=aiohttp.ClientWSTimeout(ws_close=0.2), autoping=False
        )
