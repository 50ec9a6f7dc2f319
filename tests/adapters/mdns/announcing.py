"""An announcer alone in a host of its own, for tests on a LAN of namespaces."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from tests.lan import Host, until

SERVICE = "_vooster._tcp"

# Each line it reads asks for its status and facts, `listen` first listens, the end of its input asks it to stop.
PROGRAM = """
import asyncio, json, sys
import uvloop
from appliance import log
from appliance.adapters.mdns import announcer as room
from appliance.adapters.mdns import ears, segment, segments

async def main():
    log.configure("json", "info")
    segments._RETRY_SECONDS = 0.3
    values = json.loads(sys.argv[1])
    if values.pop("deaf", False):
        segment.Segment.came_back = lambda self: None
        segment._ECHO_SECONDS = 0.5
    if values.pop("elsewhere", False):  # a system on which a socket can't be bound to a group
        ears._BY_GROUP = False
    name = values.pop("name")
    kept = []
    async def remember(number):
        kept.append(number)
    announcer = room.Announcer(name=lambda: name, remember=remember, **values)
    await announcer.start()
    while line := await asyncio.to_thread(sys.stdin.readline):
        if line.strip() == "listen":
            await announcer.listen()
        print(json.dumps({**announcer.facts(), "status": announcer.status(), "kept": kept}), flush=True)
    await announcer.stop()

uvloop.run(main())
"""


class Appliance:
    """An announcer in a host of its own."""

    def __init__(self, machine: Host, name: str = "제1공장", **more: Any) -> None:
        values = {"instance_id": f"id-{machine.number}", "name": name, "version": "0.1.0", "port": 8480, "tls": False}
        environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
        argv = (sys.executable, "-c", PROGRAM, json.dumps(values | more))
        self.began = time.monotonic()
        self.process = machine.start(*argv, env=environ)

    def facts(self, ask: str = "") -> dict[str, Any]:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(ask + "\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    def addresses(self) -> list[str]:
        return list(self.status()["addresses"])

    def status(self) -> dict[str, Any]:
        status: dict[str, Any] = self.facts()["status"]
        return status

    def announced(self) -> dict[str, Any]:
        return until(lambda: (s := self.status())["addresses"] and s, "the appliance is announced")

    def well(self) -> dict[str, Any]:
        """Announced, and heard by itself on every card."""

        def look() -> dict[str, Any] | None:
            facts = self.facts()
            return facts if facts["host"] and all(card["heard"] for card in facts["cards"]) else None

        return until(look, "the appliance hears itself")

    def trouble(self) -> str:
        return str(until(lambda: self.status().get("detail"), "the appliance says what is wrong"))

    def called(self, host: str, seconds: float = 15) -> None:
        until(lambda: self.status()["host"] == host, f"it is called {host}", seconds)

    def stop(self) -> str:
        """Ends it the graceful way; what it logged."""
        assert self.process.stdin and self.process.stderr
        self.process.stdin.close()
        log = self.process.stderr.read()
        assert self.process.wait(10) == 0
        return log
