"""What a sender and a person see of a disk that refuses, and how long they wait until it doesn't any more."""

from __future__ import annotations

import asyncio

from appliance.paths import DataDir
from tests.power.judge import faults
from tests.power.load import Floor, Ledger
from tests.power.machine import Shimmed

PATIENCE = 10.0


async def until_refused(floor: Floor) -> None:
    """Sends until one trigger is refused, which must be told as the contract says."""
    async with asyncio.timeout(PATIENCE):
        while True:
            answer = await floor.send("*")
            assert answer is not None
            if answer.status not in (200, 202):
                answer.problem(503, "STORAGE_UNAVAILABLE")
                assert int(answer.headers["Retry-After"]) >= 1
                return


async def until_accepted(floor: Floor) -> None:
    """Sends until one trigger is accepted again."""
    async with asyncio.timeout(PATIENCE):
        while True:
            answer = await floor.send("screen:S-1")
            assert answer is not None
            if answer.status == 202:
                return
            answer.problem(503, "STORAGE_UNAVAILABLE")
            await asyncio.sleep(0.05)


async def told_why(shimmed: Shimmed) -> str:
    """What health says of the storage while it fails."""
    health = await shimmed.local("GET", "/api/health")
    assert (health.status, health.json["status"]) == (503, "fail")
    found = health.json["checks"]["storage"]
    assert found["status"] == "fail"
    assert (await shimmed.call("GET", "/api/health/live")).status == 200
    return str(found)


async def until_unready(shimmed: Shimmed) -> None:
    """Waits until it says by itself that it accepts nothing."""
    async with asyncio.timeout(PATIENCE):
        while True:
            if (await shimmed.call("GET", "/api/health/ready")).status == 503:
                return
            await asyncio.sleep(0.02)


def missing(shimmed: Shimmed, ledger: Ledger) -> list[str]:
    """What is wrong with the data directory now that the process is dead; nothing, if all is well."""
    return faults(DataDir(shimmed.data), 0, ledger)
