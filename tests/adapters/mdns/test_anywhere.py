"""With no network at all, on any machine."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest

from appliance.adapters.mdns import Announcer
from tests.lan import until


async def test_starting_and_stopping_take_no_time_and_raise_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object) -> None:
        raise OSError(19, "No such device")

    monkeypatch.setattr(socket, "socket", refuse)
    announcer = Announcer(instance_id="a", name=lambda: "Plant", version="1", port=1, tls=False)
    began = time.monotonic()
    await announcer.start()
    assert time.monotonic() - began < 0.2
    assert announcer.status() == {"ok": True, "host": None, "name": "Plant", "addresses": []}
    detail = await asyncio.to_thread(until, lambda: announcer.status().get("detail"), "it says what is wrong")
    assert detail == "The network can't be used: No such device"
    await announcer.stop()
    await announcer.stop()
