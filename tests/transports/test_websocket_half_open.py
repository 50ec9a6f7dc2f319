"""A screen whose cable is pulled: no packet says so, and within the heartbeat the appliance knows."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from tests.lan import Lan, lan_of_namespaces  # noqa: F401

INTERVAL, TIMEOUT = 0.6, 0.4

_APPLIANCE = f"""
import asyncio, json, sys
from pathlib import Path
from appliance.transports import bounds
from tests.support.house import House

async def main():
    bounds.CLOSE_SECONDS = 0.5
    beats = {{"interval_seconds": {INTERVAL}, "timeout_seconds": {TIMEOUT}}}
    house = House(Path(sys.argv[1]), {{"server": {{"host": "0.0.0.0"}}, "heartbeat": beats}})
    await house.start()
    token = await house.pair("S-1")
    print(json.dumps({{"port": int(house.url.rpartition(":")[2]), "token": token}}), flush=True)
    sessions = house.appliance.engine.sessions
    ended = asyncio.Event()
    sessions.on_closed.append(lambda session, reason: (print(reason, flush=True), ended.set()))
    await ended.wait()
    await asyncio.sleep(1)
    print(len(house.appliance._sockets[0]), flush=True)
    await house.stop()

asyncio.run(main())
"""

_SCREEN = """
import asyncio, sys
from tests.transports.rawsocket import RawSocket

async def main():
    async with RawSocket(int(sys.argv[2]), sys.argv[1]) as wire:
        await wire.hello(sys.argv[3])
        while True:
            said = await wire.heard()
            print(said["type"], flush=True)
            wire.say({"type": "pong", "t": said["t"]})

asyncio.run(main())
"""


def test_a_pulled_cable_is_noticed_within_the_heartbeat(lan: Lan, tmp_path: Path) -> None:
    ours, floor = lan.host(), lan.host()
    appliance = ours.start(sys.executable, "-c", _APPLIANCE, str(tmp_path))
    assert appliance.stdout is not None
    found = json.loads(next(line for line in appliance.stdout if line.startswith("{")))
    screen = floor.start(sys.executable, "-c", _SCREEN, ours.address, str(found["port"]), found["token"])
    assert screen.stdout is not None
    for _ in range(3):
        assert screen.stdout.readline() == "ping\n"
    subprocess.run(["ip", "-n", floor.namespace, "link", "set", "eth0", "down"], check=True)
    pulled = time.monotonic()
    assert appliance.stdout.readline() == "HEARTBEAT_LOST\n"
    assert time.monotonic() - pulled < INTERVAL + TIMEOUT + 1
    assert appliance.stdout.readline() == "0\n"  # nor is its socket kept for the minutes TCP would take
