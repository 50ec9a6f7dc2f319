"""Accepted means on disk: what an appliance says and does when its disk refuses, and when it takes writes again."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from appliance.errors import Problem
from appliance.storage import database as storage
from tests.support.answers import new_trigger
from tests.support.disk import refusing, small_disk
from tests.support.held import Held
from tests.support.house import House, until
from tests.support.process import Served


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries a disk that has refused again after a moment."""
    monkeypatch.setattr(storage, "RETRY_SECONDS", 0.03)


def on_disk(house: House) -> list[str]:
    with sqlite3.connect(house.data.database) as connection:
        return [trigger_id for (trigger_id,) in connection.execute("SELECT id FROM triggers ORDER BY pk")]


async def test_nothing_is_answered_or_sent_before_the_commit(house: House) -> None:
    screen = await house.screen()
    await house.appliance.engine.database.flush()
    held = Held(house.appliance.engine.database)
    await held.begun()
    body = new_trigger()
    asking = asyncio.create_task(house.call("POST", "/api/trigger", body, bearer=house.key))
    await asyncio.sleep(0.2)  # longer than any answer takes here
    await screen.settled()
    assert (asking.done(), screen.of("navigate"), on_disk(house)) == (False, [], [])
    await held.release()
    answer = await asking
    assert (answer.status, on_disk(house)) == (202, [body["id"]])
    await screen.navigate()


async def test_a_disk_that_refuses_refuses_triggers_and_loses_nothing(house: House) -> None:
    screen = await house.screen()
    known = await house.accepted()
    navigate = await screen.navigate()
    await screen.received(navigate)
    await house.becomes(known, "received")
    with refusing():
        body = new_trigger("ORD-1002")
        for _ in range(2):
            answer = await house.call("POST", "/api/trigger", body, bearer=house.key)
            problem = answer.problem(503, "STORAGE_UNAVAILABLE")
            assert problem["retryable"] is True
            assert int(answer.headers["Retry-After"]) >= 1
        # The refusal tells on every health call, and a live page still has something to show.
        health = await house.local("GET", "/api/health")
        assert (health.status, health.json["status"], health.json["checks"]["storage"]["status"]) == (
            503, "fail", "fail",
        )  # fmt: skip
        for _ in range(20):  # however often the disk is tried meanwhile, it is never said to be back
            assert (await house.call("GET", "/api/health/ready")).status == 503
            await asyncio.sleep(storage.RETRY_SECONDS / 2)
        assert (await house.call("GET", "/api/health/live")).status == 200
        dashboard = (await house.local("GET", "/api/monitoring/dashboard")).json
        assert dashboard["storage"] == "fail"
        # What the screen has shown counts: it is owed, and written once the disk is back.
        await screen.shown(navigate)
        async with asyncio.timeout(3):
            reading = await house.call("GET", f"/api/triggers/{known}", bearer=house.key)
        assert reading.status in {200, 503}
        unknown = {"type": "ack", "id": "nonsense:S-1", "status": "received"}
        await screen.send(unknown)
        assert (await screen.expect("error"))["code"] in {"STORAGE_UNAVAILABLE", "NOT_FOUND"}
        await screen.settled()
        assert screen.of("delivery") == []
        assert (await house.local("GET", "/api/metrics")).json["lossRate"] == 0
    await until(lambda: house.appliance.engine.database.ok)
    told = await screen.expect("delivery")
    assert (told["triggerId"], told["state"]) == (known, "shown")
    assert on_disk(house) == [known]
    again = await house.call("POST", "/api/trigger", body, bearer=house.key)
    assert (again.status, again.json["duplicate"]) == (202, False)
    assert (await screen.show_next())["orderId"] == "ORD-1002"
    await house.becomes(body["id"], "shown")
    assert (await house.local("GET", "/api/health")).json["status"] == "ok"


async def test_people_are_told_too(house: House) -> None:
    with refusing():
        for method, path, body in (
            ("POST", "/api/screens", {"screenId": "S-9"}),
            ("POST", "/api/keys", {"name": "x", "role": "viewer"}),
        ):
            (await house.local(method, path, body)).problem(503, "STORAGE_UNAVAILABLE")
        assert (await house.local("GET", "/api/screens")).json["items"] == []
    await until(lambda: house.appliance.engine.database.ok)
    assert (await house.local("POST", "/api/screens", {"screenId": "S-9"})).status == 201


async def test_a_disk_that_refuses_holds_up_no_stop(house: House) -> None:
    screen = await house.screen()
    await house.accepted()
    navigate = await screen.navigate()
    with refusing():
        await screen.shown(navigate)
        await until(lambda: not house.appliance.engine.database.ok)
        async with asyncio.timeout(5):
            await house.stop()
    assert (await screen.expect("goodbye"))["reason"]
    await house.start()
    again = await house.screen()
    assert (await again.show_next())["id"] == navigate["id"]


async def test_a_full_disk(tmp_path: Path) -> None:
    """The whole program on a file system of 3 MB that somebody else has filled."""
    with small_disk(tmp_path / "disk", 3) as mounted:
        if not mounted:
            pytest.skip("mounting isn't allowed here; the tests above refuse writes without it")
        served = Served(tmp_path / "rest", data=tmp_path / "disk" / "data")
        try:
            (served.orders / "ORD-1001.txt").write_text("one")
            await served.start()
            key, token = await served.new_key(), await served.pair()
            screen = await served.screen(token)
            filler = tmp_path / "disk" / "filler"
            with filler.open("wb", buffering=0) as file:
                try:
                    while True:
                        file.write(b"x" * 4096)
                except OSError:
                    pass
            refused = None
            for _ in range(200):  # the log file has some room of its own left
                answer = await served.trigger(key, query="?wait=shown&timeoutMs=0")
                if answer.status != 202:
                    refused = answer
                    break
            assert refused is not None
            refused.problem(503, "STORAGE_UNAVAILABLE")
            filler.unlink()
            for _ in range(100):
                answer = await served.trigger(key)
                if answer.status == 202:
                    break
                await asyncio.sleep(0.1)
            assert answer.status == 202
            navigate = await screen.expect("navigate", lambda m: m["triggerId"] == answer.json["id"])
            await screen.shown(navigate)
            await screen.expect("delivery", lambda m: m["triggerId"] == answer.json["id"])
            assert await served.stop() == 0
            assert "Traceback" not in served.log.read_text("utf-8")
        finally:
            await served.close()


async def test_what_is_known_is_answered_while_the_disk_refuses(house: House) -> None:
    """A sender that lost its answer is never told that what was accepted wasn't."""
    screen = await house.screen()
    body = new_trigger()
    waiting = asyncio.create_task(house.call("POST", "/api/trigger?wait=shown&timeoutMs=700", body, bearer=house.key))
    navigate = await screen.navigate()
    await screen.received(navigate)
    await house.becomes(body["id"], "received")
    with refusing():
        (await house.trigger("ORD-1002")).problem(503, "STORAGE_UNAVAILABLE")
        await screen.shown(navigate)
        await screen.settled()
        held = await waiting
        assert (held.status, held.json["id"], held.json["result"]) == (202, body["id"], "timeout")
        for query in ("", "?wait=shown&timeoutMs=50"):
            again = await house.call("POST", f"/api/trigger{query}", body, bearer=house.key)
            assert (again.status, again.json["duplicate"]) == (202 if query else 200, True), again.text
            assert [d["id"] for d in again.json["deliveries"]] == [navigate["id"]]
        assert (await house.told_of(body["id"]))["deliveries"][0]["id"] == navigate["id"]
        # Also when the same request would be refused by now.
        house.orders.joinpath("ORD-1001.pdf").unlink(missing_ok=True)
        late = await house.call("POST", "/api/trigger", {**body, "timestamp": 1_000}, bearer=house.key)
        assert (late.status, late.json["duplicate"]) == (200, True)
        other = {**body, "orderId": "ORD-1002"}
        (await house.call("POST", "/api/trigger", other, bearer=house.key)).problem(409, "IDEMPOTENCY_CONFLICT")
        new = new_trigger("ORD-1002")
        mixed = await house.call("POST", "/api/triggers", {"triggers": [new, body, new]}, bearer=house.key)
        assert mixed.status == 200, mixed.text
        assert [(r["status"], r["body"].get("code")) for r in mixed.json["results"]] == [
            (503, "STORAGE_UNAVAILABLE"), (200, None), (503, "STORAGE_UNAVAILABLE"),
        ]  # fmt: skip
        only_new = await house.call("POST", "/api/triggers", {"triggers": [new]}, bearer=house.key)
        only_new.problem(503, "STORAGE_UNAVAILABLE")
    await until(lambda: house.appliance.engine.database.ok)
    await house.becomes(body["id"], "shown")
    assert on_disk(house) == [body["id"]]


async def test_the_accepted_of_a_batch_are_answered_when_a_repeat_cannot_be_read(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.pair("S-1")
    known, new = new_trigger(mode="queue"), new_trigger("ORD-1002", mode="queue")
    assert (await house.call("POST", "/api/trigger", known, bearer=house.key)).status == 202

    async def broken(*_arguments: object, **_named: object) -> None:
        raise Problem("STORAGE_UNAVAILABLE", "The data file can't be read.")

    with monkeypatch.context() as patched:
        patched.setattr(house.appliance.engine.outbox, "of_trigger", broken)
        answer = await house.call("POST", "/api/triggers", {"triggers": [known, new]}, bearer=house.key)
        assert [result["status"] for result in answer.json["results"]] == [503, 202]
        held = await house.trigger(wait=0, mode="queue")
        assert (held.status, held.json["result"]) == (202, "timeout")
    again = await house.call("POST", "/api/triggers", {"triggers": [known, new]}, bearer=house.key)
    assert [result["status"] for result in again.json["results"]] == [200, 200]
