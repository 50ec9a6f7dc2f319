"""Accepted order is the order in which things go out, whichever way they came in; nobody is held up for others."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from appliance.core.messages import Hello
from appliance.core.roles import Role
from appliance.core.triggers import TriggerBody
from appliance.relay.principal import Principal
from appliance.relay.sessions import Session
from tests.support.answers import new_trigger
from tests.support.held import Held
from tests.support.house import House, opened

ERP = Principal("key", "erp", Role.OPERATOR)


def body(order_id: str, **members: Any) -> TriggerBody:
    return msgspec.convert(new_trigger(order_id, "S-1", **members), TriggerBody)


async def test_a_batch_and_a_single_scan_of_one_commit_go_out_as_they_were_accepted(house: House) -> None:
    screen = await house.screen()
    await house.knows("ORD-1001")
    await house.knows("ORD-1002")
    intake, held = house.appliance.engine.intake, Held(house.appliance.engine.database)
    await held.begun()
    batch = asyncio.create_task(intake.accept_all(ERP, [body("ORD-1001", mode="queue")]))
    while not house.appliance.engine.database.waiting:  # noqa: ASYNC110 - a turn or two of the loop
        await asyncio.sleep(0)
    single = asyncio.create_task(intake.accept(ERP, body("ORD-1002", mode="queue")))
    while house.appliance.engine.database.waiting < 2:  # noqa: ASYNC110
        await asyncio.sleep(0)
    await held.release()
    assert [(await screen.show_next())["orderId"] for _ in range(2)] == ["ORD-1001", "ORD-1002"]
    await asyncio.gather(batch, single)


async def test_a_broadcast_lets_others_have_their_turn(house: House) -> None:
    """Its lanes go out some at a time, and all of them do."""
    screens = 450
    ids = [f"M-{number}" for number in range(screens)]
    await house.local("POST", "/api/pairing/provision", {"screenIds": ids[:250]})
    await house.local("POST", "/api/pairing/provision", {"screenIds": ids[250:]})
    engine = house.appliance.engine
    sent: list[str] = []
    turns: list[int] = []

    class Link:
        name = "test"

        def send(self, message: Any) -> None:
            if type(message).__name__ == "Navigate":
                sent.append(message.id)

        def close(self, code: int, reason: str) -> None: ...

    for screen_id in ids:
        principal = Principal("screen", screen_id, Role.OPERATOR, screen_id, None, frozenset({screen_id}))
        await engine.conversation.open(Hello(), principal, Link(), base_url="http://house", address="127.0.0.1")

    def other() -> None:
        turns.append(len(sent))
        if len(sent) < screens:
            asyncio.get_running_loop().call_soon(other)

    await house.knows("ORD-1001")
    asyncio.get_running_loop().call_soon(other)
    receipt = await engine.intake.accept(ERP, msgspec.convert(new_trigger("ORD-1001", None, target="*"), TriggerBody))
    assert len(receipt.deliveries) == screens
    async with asyncio.timeout(10):
        while len(sent) < screens:  # noqa: ASYNC110
            await asyncio.sleep(0)
    assert len(set(sent)) == screens
    assert any(0 < seen < screens for seen in turns)


async def test_everybody_who_waits_for_room_is_woken() -> None:
    class Wire:
        name = "test"

        def send(self, message: Any) -> None: ...

        def close(self, code: int, reason: str) -> None: ...

    session = Session(ERP, Wire(), Hello(), "http://house")
    session.under_way = 2
    waiting = [asyncio.create_task(session.room(2)) for _ in range(3)]
    await asyncio.sleep(0)
    session.settled()
    await asyncio.wait_for(asyncio.gather(*waiting), 1)


async def test_a_fault_while_sending_keeps_no_sender_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(tmp_path, faults_allowed=True) as house:
        await house.pair("S-1")
        monkeypatch.setattr(house.appliance.engine.dispatcher, "_open", lambda _rows: 1 / 0)
        answer = await asyncio.wait_for(house.trigger(), 5)
        assert answer.status == 202
        batch = {"triggers": [new_trigger("ORD-1001", "S-1")]}
        answer = await asyncio.wait_for(house.call("POST", "/api/triggers", batch, bearer=house.key), 5)
        assert answer.json["results"][0]["status"] == 202


async def test_a_fault_while_saving_is_in_the_log_under_the_number_that_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path, faults_allowed=True) as house:
        await house.pair("S-1")
        await house.knows("ORD-1001")
        monkeypatch.setattr(house.appliance.engine.outbox._accepting, "run", lambda _tx, _arguments: 1 / 0)
        with capture_logs() as lines:
            problem = (await house.trigger()).problem(500, "INTERNAL_ERROR")
        (line,) = [line for line in lines if line["event"] == "intake.fault"]
        assert line["trace_id"] == problem["traceId"]
