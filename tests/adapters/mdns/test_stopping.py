"""Stopped at whatever moment, it gives every socket back."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from tests.lan import Lan, lan_of_namespaces  # noqa: F401

# Starts and stops 30 times, a little later each time, and prints how many descriptors are open before and after.
PROGRAM = """
import asyncio, json, os, sys
import uvloop
from appliance import log
from appliance.adapters.mdns.announcer import Announcer

async def once(delay):
    announcer = Announcer(instance_id="a", name=lambda: "Plant", version="1", port=8480, tls=False)
    await announcer.start()
    await asyncio.sleep(delay)
    await announcer.stop()

async def opened():
    await asyncio.sleep(0.1)  # closed sockets are let go on a later turn
    return len(os.listdir("/proc/self/fd"))

async def main():
    log.configure("json", "error")
    await once(0.2)
    before = await opened()
    for number in range(30):
        await once(number / 1000)
    print(json.dumps([before, await opened()]))

(uvloop.run if sys.argv[1] == "uvloop" else asyncio.run)(main())
"""


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_thirty_quick_starts_and_stops_leave_no_socket_open(lan: Lan, loop: str) -> None:
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    process = lan.host().start(sys.executable, "-c", PROGRAM, loop, env=environ)
    out, err = process.communicate(timeout=60)
    before, after = json.loads(out)
    assert after == before, err
