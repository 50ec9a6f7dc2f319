"""Socket.IO clients that end with their test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Protocol

import pytest

from tests.support.house import House
from tests.transports.socketio.peer import Peer


class MakePeer(Protocol):
    """Opens an Engine.IO connection to this house."""

    async def __call__(self, house: House, **options: Any) -> Peer: ...


@pytest.fixture
async def peer() -> AsyncIterator[MakePeer]:
    peers: list[Peer] = []

    async def make(house: House, **options: Any) -> Peer:
        made = Peer(house.url, **options)
        peers.append(made)
        return await made.open()

    yield make
    for made in peers:
        await made.close()
    assert [misfit for made in peers for misfit in made.misfits] == []
