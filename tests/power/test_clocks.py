"""The machine's clock jumps: waiting goes by the monotonic clock while it runs, by wall time across a restart."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.power.machine import Shimmed
from tests.support.answers import Answer, new_trigger, now_ms
from tests.support.wire import Wire

HOUR = 3_600_000
YEARS = 10 * 365 * 24 * HOUR
QUICK = {
    "VOOSTER_DELIVERY_ACK_TIMEOUT_MS": "1500",
    "VOOSTER_DELIVERY_SHOWN_TIMEOUT_MS": "1500",
    "VOOSTER_DELIVERY_RETRY_BASE_MS": "500",
}
TTL_SECONDS = 3


async def until(condition: Callable[[], Awaitable[bool]], within: float = 8.0) -> None:
    deadline = time.monotonic() + within
    while not await condition():
        assert time.monotonic() < deadline, "it didn't come true in time"
        await asyncio.sleep(0.03)


class Plant:
    """Screens and a sender of one appliance, whose clock is the real one unless a test says otherwise."""

    def __init__(self, shimmed: Shimmed) -> None:
        self.shimmed, self.key, self.shift = shimmed, "", 0

    async def open(self) -> None:
        (self.shimmed.orders / "ORD-1001.txt").write_text("one")
        self.key = await self.shimmed.new_key()

    def jump(self, shift: int) -> None:
        self.shift = shift
        self.shimmed.control.shift_clock(shift)

    async def screen(self, screen_id: str) -> Wire:
        return await self.shimmed.screen(await self.shimmed.pair(screen_id))

    async def send(self, body: dict[str, Any]) -> Answer:
        return await self.shimmed.call("POST", "/api/trigger", body, bearer=self.key)

    async def accepted(self, screen_id: str, **members: Any) -> dict[str, Any]:
        """Sends a trigger by the appliance's own clock; returns its body."""
        body = new_trigger(screen_id=screen_id, **members)
        body["timestamp"] += self.shift
        answer = await self.send(body)
        assert answer.status == 202, answer.text
        return body

    async def delivery(self, body: dict[str, Any]) -> dict[str, Any]:
        (found,) = (await self.shimmed.call("GET", f"/api/triggers/{body['id']}", bearer=self.key)).json["deliveries"]
        return dict(found)

    async def becomes(self, body: dict[str, Any], state: str, within: float = 8.0) -> dict[str, Any]:
        async def so() -> bool:
            return bool((await self.delivery(body))["state"] == state)

        await until(so, within)
        return await self.delivery(body)


@pytest.fixture
async def plant(shimmed: Shimmed) -> Plant:
    await shimmed.start(**QUICK)
    plant = Plant(shimmed)
    await plant.open()
    return plant


@pytest.mark.parametrize(
    "jumps",
    [(YEARS, -YEARS), pytest.param((HOUR, -HOUR), marks=pytest.mark.long)],
    ids=["ten years on and back", "an hour on and back"],
)
async def test_a_jump_while_running_changes_nothing(plant: Plant, jumps: tuple[int, ...]) -> None:
    for jump in jumps:
        await one_jump(plant, jump)
    health = (await plant.shimmed.local("GET", "/api/health")).json
    assert health["status"] == "ok" and 0 <= health["uptime"] < 60


async def one_jump(plant: Plant, jump: int) -> None:
    """Sets the clock to `jump` off the real one while deliveries are in every state they can wait in."""
    silent, failing, queueing = await plant.screen("S-1"), await plant.screen("S-2"), await plant.screen("S-3")
    await plant.shimmed.pair("S-4")
    await plant.shimmed.pair("S-5")
    sent, failed = await plant.accepted("S-1"), await plant.accepted("S-2")
    first, second = await plant.accepted("S-3", mode="queue"), await plant.accepted("S-3", mode="queue")
    waiting = await plant.accepted("S-4")
    await silent.navigate()
    await failing.failed(await failing.navigate(), "DOCUMENT_LOAD_FAILED")
    head = await queueing.navigate()
    await failing.settled()
    waits = [sent, failed, first, second, waiting]
    assert {(await plant.delivery(body))["state"] for body in waits} == {"pending", "sent"}

    began = time.monotonic()
    doomed = await plant.accepted("S-5", ttlSeconds=TTL_SECONDS)
    plant.jump(jump)
    await queueing.send({"type": "ping", "t": "clock"})
    told = (await queueing.expect("pong", lambda message: message["t"] == "clock"))["serverTime"]
    assert abs(told - now_ms() - jump) < 2_000, "the clock didn't jump"
    assert {(await plant.delivery(body))["state"] for body in waits} <= {"pending", "sent"}
    assert (await plant.delivery(doomed))["state"] == "pending" or time.monotonic() - began >= TTL_SECONDS
    await queueing.received(head)
    await queueing.shown(head)

    # A sender whose clock is right is told the appliance's; what it had sent before is known all the same.
    right = new_trigger(screen_id="S-1")
    told = (await plant.send(right)).problem(400, "REQUEST_EXPIRED")["serverTime"]
    assert abs(told - now_ms() - jump) < 2_000
    again = await plant.send(sent)
    assert (again.status, again.json["duplicate"]) == (200, True)

    # Retries, queues and new sessions go on.
    assert (await silent.navigate())["attempt"] == 2
    await silent.shown(silent.of("navigate")[-1])
    assert (await failing.show_next())["attempt"] == 2
    await queueing.shown(await queueing.expect("navigate", lambda message: message["triggerId"] == second["id"]))
    late = await plant.screen("S-4")
    assert (await late.show_next())["triggerId"] == waiting["id"]
    for body in (sent, failed, first, second, waiting):
        await plant.becomes(body, "shown")
    new = await plant.accepted("S-1")
    await silent.shown(await silent.expect("navigate", lambda message: message["triggerId"] == new["id"]))

    # What was to end ends when it was to, by a clock that can't jump.
    dead = await plant.becomes(doomed, "dead", TTL_SECONDS + 4)
    assert time.monotonic() - began >= TTL_SECONDS
    assert dead["code"] == "SCREEN_OFFLINE"
    assert {wire.close_code for wire in (silent, failing, queueing, late)} == {None}
    await late.close()


async def test_what_expired_while_it_was_off_is_a_letter_that_can_be_sent_again(plant: Plant) -> None:
    await plant.shimmed.pair("S-1")
    waiting, patient = await plant.accepted("S-1", mode="queue"), await plant.accepted("S-1", ttlSeconds=2 * 3600)
    await plant.shimmed.kill()
    plant.jump(HOUR)
    await plant.shimmed.start(**QUICK)
    dead = await plant.becomes(waiting, "dead")
    assert dead["code"] == "SCREEN_OFFLINE"
    assert (await plant.delivery(patient))["state"] == "pending"
    assert len((await plant.shimmed.local("GET", "/api/dead-letters")).json["items"]) == 1
    screen = await plant.screen("S-1")
    assert (await screen.show_next())["triggerId"] == patient["id"]
    replayed = await plant.shimmed.local("POST", f"/api/dead-letters/{dead['id']}/replay")
    assert replayed.status in (200, 202), replayed.text
    assert (await screen.show_next())["round"] == 2
    await plant.becomes(waiting, "shown")


@pytest.mark.parametrize("back", [HOUR, pytest.param(YEARS, marks=pytest.mark.long)], ids=["1 hour", "10 years"])
async def test_a_clock_set_back_while_it_was_off_keeps_nothing_beyond_its_time(plant: Plant, back: int) -> None:
    """A scan that waits for an hour or for years more than it was to live would show a stale order."""
    await plant.shimmed.pair("S-1")
    waiting, patient = await plant.accepted("S-1", mode="queue", ttlSeconds=2), await plant.accepted("S-1")
    await plant.shimmed.kill()
    plant.jump(-back)
    await plant.shimmed.start(**QUICK)
    assert (await plant.becomes(waiting, "dead", 6))["code"] == "SCREEN_OFFLINE"
    assert (await plant.delivery(patient))["state"] == "pending"
    screen = await plant.screen("S-1")
    assert (await screen.show_next())["triggerId"] == patient["id"]
    new = await plant.accepted("S-1")
    assert (await screen.show_next())["triggerId"] == new["id"]
    await plant.becomes(new, "shown")
