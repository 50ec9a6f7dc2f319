"""New rounds: what a storage that refuses leaves as it was, who comes first, and what comes back by itself."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from typing import Any

import pytest

from appliance.storage import audit
from appliance.storage import database as storage
from tests.conftest import MakeHouse
from tests.support.disk import refusing
from tests.support.house import House, until
from tests.support.letters import PATH, audited, die, listed, replay

ONE_TRY: dict[str, dict[str, Any]] = {"delivery": {"ack_timeout_ms": 60, "max_retries": 0}}


class Held:
    """A commit of dead letters that waits on the writer's thread until it is let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.running, self._release = threading.Event(), threading.Event()
        append = audit.append

        def hold(tx: sqlite3.Connection, *values: Any, **more: Any) -> None:
            self.running.set()
            assert self._release.wait(10)
            append(tx, *values, **more)

        monkeypatch.setattr(audit, "append", hold)

    async def begun(self) -> None:
        assert await asyncio.to_thread(self.running.wait, 10)

    def let_go(self) -> None:
        self._release.set()


async def test_a_storage_that_refuses_leaves_everything_as_it_was(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "RETRY_SECONDS", 0.03)
    screen = await house.screen()
    ids = [await die(house, screen, mode="queue") for _ in range(3)]
    before = await house.dead_letters()
    sent = len(screen.of("navigate"))
    with refusing():
        for method, path, body in (
            ("POST", f"{PATH}/{ids[0]}/replay", None),
            ("DELETE", f"{PATH}/{ids[1]}", None),
            ("POST", f"{PATH}/replay", {"ids": ids}),
            ("POST", f"{PATH}/discard", {"all": True}),
            ("POST", f"{PATH}/replay", {"all": True}),
        ):
            refused = await house.local(method, path, body)
            refused.problem(503, "STORAGE_UNAVAILABLE")
            assert int(refused.headers["Retry-After"]) >= 1
        assert await house.dead_letters() == before
        await screen.settled()
    await until(lambda: house.appliance.engine.database.ok)
    await house.appliance.engine.database.flush()
    await screen.settled()
    assert (await house.dead_letters(), len(screen.of("navigate"))) == (before, sent)
    assert audited(house, "dead-letter.replay") == audited(house, "dead-letter.discard") == []
    assert (await house.local("POST", f"{PATH}/replay", {"ids": ids})).json["replayed"] == 3
    assert [(await screen.show_next())["id"] for _ in ids] == ids
    await house.restart()
    assert await listed(house) == []


async def test_nothing_is_sent_or_answered_before_the_commit(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = await house.screen()
    delivery_id = await die(house, screen)
    held = Held(monkeypatch)
    asking = asyncio.create_task(replay(house, delivery_id))
    await held.begun()
    await screen.settled()
    assert (asking.done(), len(screen.of("navigate"))) == (False, 1)
    held.let_go()
    assert (await asking).status == 202
    assert (await screen.show_next())["round"] == 2


async def test_a_late_shown_while_it_is_being_sent_again_counts_for_that_round(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = await house.screen()
    delivery_id = await die(house, screen)
    held = Held(monkeypatch)
    asking = asyncio.create_task(replay(house, delivery_id))
    await held.begun()
    await screen.shown({"id": delivery_id, "displayIndex": 0, "url": "http://127.0.0.1/x"})
    held.let_go()
    assert (await asking).status == 202
    shown = await house.becomes(delivery_id.partition(":")[0], "shown")
    assert (shown["round"], shown["evidence"]["url"]) == (2, "http://127.0.0.1/x")
    await house.restart()
    assert (await house.delivery(delivery_id.partition(":")[0]))["state"] == "shown"


async def test_who_asked_may_leave(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = await house.screen()
    delivery_id = await die(house, screen)
    held = Held(monkeypatch)
    asking = asyncio.create_task(replay(house, delivery_id))
    await held.begun()
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    held.let_go()
    assert (await screen.show_next())["round"] == 2
    assert len(audited(house, "dead-letter.replay")) == 1


async def test_a_screen_deleted_meanwhile_gets_nothing_more(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = await house.screen()
    delivery_id = await die(house, screen)
    held = Held(monkeypatch)
    asking = asyncio.create_task(replay(house, delivery_id))
    await held.begun()
    removing = asyncio.create_task(house.local("DELETE", "/api/screens/S-1"))
    held.let_go()
    assert ((await asking).status, (await removing).status) == (202, 204)
    dead = await house.becomes(delivery_id.partition(":")[0], "dead")
    assert (dead["code"], dead["round"]) == ("SCREEN_REMOVED", 2)
    assert len(house.appliance.engine.dispatcher.opened) == 0


async def test_a_replay_of_what_has_no_document_yet_looks_it_up_again(house: House) -> None:
    screen = await house.screen()
    away = house.orders.rename(house.root / "away")
    trigger_id = await house.accepted(ttlSeconds=2)
    dead = await house.becomes(trigger_id, "dead")
    assert dead["code"] == "ORDER_SOURCE_UNAVAILABLE"
    answer = await replay(house, dead["id"])
    assert (answer.status, answer.json["state"], answer.json["round"]) == (202, "awaitingOrder", 2)
    away.rename(house.orders)
    assert (await screen.show_next())["round"] == 2
    await house.becomes(trigger_id, "shown")


async def test_all_that_was_queued_comes_back_with_its_screen_in_its_order(make_house: MakeHouse) -> None:
    house = await make_house(ONE_TRY)
    screen = await house.screen()
    ids = []
    for _ in range(3):
        ids.append(await house.accepted(mode="queue"))
        await screen.navigate()
        await house.becomes(ids[-1], "dead")
    discarded = await house.accepted(mode="queue")
    await screen.navigate()
    dead = await house.becomes(discarded, "dead")
    assert (await house.local("DELETE", f"{PATH}/{dead['id']}")).status == 204
    await screen.close()
    again = await house.screen()
    for trigger_id in ids:
        navigate = await again.show_next()
        assert (navigate["triggerId"], navigate["round"]) == (trigger_id, 2)
        await house.becomes(trigger_id, "shown")
    await again.settled()
    assert len(again.of("navigate")) == 3
    assert (await house.delivery(discarded))["state"] == "dead"


async def test_what_was_overtaken_does_not_come_back(make_house: MakeHouse) -> None:
    house = await make_house(ONE_TRY)
    screen = await house.screen()
    queued, latest = [await house.accepted(mode=mode) for mode in ("queue", "latest")]
    for trigger_id in (queued, latest):
        await screen.navigate()
        await house.becomes(trigger_id, "dead")
    newer = await house.accepted("ORD-1002")
    await screen.show_next()
    await house.becomes(newer, "shown")
    await screen.close()
    again = await house.screen()
    await asyncio.gather(*house.appliance.engine.take_up._working)
    await again.settled()
    assert again.of("navigate") == []
    assert sorted(await listed(house)) == sorted([f"{queued}:S-1", f"{latest}:S-1"])
