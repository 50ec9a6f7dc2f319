"""What the tests of the order source `folder` share: real folders, and ways to ask."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from appliance.adapters.orders_folder import FolderOrders
from appliance.errors import Problem
from appliance.relay.orders import OrderSource

PDF = b"%PDF-1.4\n" + b"1 0 obj <<>> endobj\n" * 200 + b"trailer\n%%EOF\n"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8 + b"IEND\xaeB`\x82"
SETTLE = 0.05

either_way = pytest.mark.parametrize("poll", [False, True], ids=["disk", "share"])
"""Each test runs on a folder treated as a disk of this machine, and as a network share."""


@asynccontextmanager
async def orders_in(folder: Path, poll: bool | None, **options: Any) -> AsyncIterator[FolderOrders]:
    source = FolderOrders(folder, **{"poll": poll, "poll_interval": 0.1, "settle": SETTLE, **options})
    await source.start()
    try:
        yield source
    finally:
        await source.stop()


def put(path: Path, content: bytes = PDF, age: float = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (time.time() - age, time.time() - age))
    return path


async def refused(source: OrderSource, order_id: str) -> Problem:
    with pytest.raises(Problem) as caught:
        await source.look_up(order_id)
    return caught.value


def changes(source: OrderSource) -> asyncio.Event:
    changed = asyncio.Event()
    source.on_change(changed.set)
    return changed
