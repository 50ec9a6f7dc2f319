"""What goes wrong in each minute of a long run."""

from __future__ import annotations

import asyncio
import random
import signal
from pathlib import Path

import pytest

from tests.bench.floor import Floor
from tests.bench.servers import Appliance, Server
from tests.power.machine import Control, build

DROPPED = STALLED = 0.05
"""Share of the screens."""
STALL_SECONDS = 15.0
SLOW_MS, SLOW_SECONDS = 300, 3.0


class Disk:
    """The disk under the appliance, where there is a compiler to make it slow with."""

    def __init__(self, place: Path) -> None:
        self._control: Control | None = None
        self.environment: dict[str, str] = {}
        try:
            shim = build(place)
        except pytest.skip.Exception as missing:
            print(f"the disk stays quick: {missing}", flush=True)
            return
        self._control = Control(place / "control")
        self.environment = {
            "LD_PRELOAD": str(shim),
            "SHIM_DIR": str((place / "data").resolve()),
            "SHIM_CONTROL": str(place / "control"),
        }

    async def slow(self) -> None:
        """Each sync takes long for a while."""
        if self._control is not None:
            self._control.delay_syncs(SLOW_MS)
            await asyncio.sleep(SLOW_SECONDS)
            self._control.mend()


class Faults:
    """Each minute: connections that break, screens that stop reading for a while, a slow disk. Some minutes in the
    first third: a kill or a restart; what comes after is one life of the process, whose memory can be compared."""

    def __init__(self, house: Appliance, server: Server, floors: list[Floor], disk: Disk, minutes: int) -> None:
        self._house, self._server, self._floors, self._disk = house, server, floors, disk
        self._chance = random.Random(8480)
        third = max(2, minutes // 3)
        step = max(1, third // 5)
        self._kills = set(range(0, third, 2 * step))
        self._restarts = set(range(step, third, 2 * step))
        self.last_life = third
        """The first minute of the last life."""

    async def minute(self, number: int, seconds: float) -> list[str]:
        """Lets things go wrong within so many seconds; returns what did."""
        done = ["drops", "stalls", "slow disk"]
        await asyncio.sleep(self._chance.uniform(0.05, 0.15) * seconds)
        await self._drop()
        if number in self._kills:
            done.append("kill")
            await self._again(signal.SIGKILL)
        elif number in self._restarts:
            done.append("restart")
            await self._again(signal.SIGTERM)
        await asyncio.gather(self._stall(), self._disk.slow())
        await self._drop()
        return done

    async def _drop(self) -> None:
        for floor in self._floors:
            await floor.say(f"drop {await self._share(floor, DROPPED)}")

    async def _stall(self) -> None:
        for floor in self._floors:
            await floor.say(f"stall {await self._share(floor, STALLED)}")
        await asyncio.sleep(STALL_SECONDS)
        for floor in self._floors:
            await floor.say("resume")

    async def _share(self, floor: Floor, share: float) -> int:
        return max(1, int(int(await floor.say("count")) * share))

    async def _again(self, by: signal.Signals) -> None:
        await self._house.stop(by)
        self._server.pid = await self._house.start()
