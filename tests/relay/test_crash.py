"""Power cuts: the process is killed between accepting, sending and acknowledging, and starts again on its data."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.answers import new_trigger
from tests.support.process import Served


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    served = Served(tmp_path)
    (served.orders / "ORD-1001.html").write_text("<h1>ORD-1001</h1>")
    try:
        yield await served.start()
        assert "Traceback" not in served.log.read_text("utf-8")
    finally:
        await served.close()


async def history(served: Served, key: str, trigger_id: str) -> list[tuple[str, int]]:
    answer = await served.call("GET", f"/api/triggers/{trigger_id}", bearer=key)
    (delivery,) = answer.json["deliveries"]
    return [(line["state"], line["attempt"]) for line in delivery["history"]]


async def test_nothing_accepted_is_lost_by_a_power_cut(served: Served) -> None:
    key, token = await served.new_key(), await served.pair()
    body = new_trigger()
    answer = await served.call("POST", "/api/trigger", body, bearer=key)
    assert answer.status == 202

    # Killed between accepting and sending: the screen was off.
    await served.kill()
    await served.start()
    assert (await served.call("POST", "/api/trigger", body, bearer=key)).json["duplicate"] is True
    screen = await served.screen(token)
    epoch = screen.of("welcome")[0]["epoch"]
    first = await screen.navigate()
    assert (first["triggerId"], first["attempt"], first["round"]) == (body["id"], 1, 1)

    # Killed between sending and its ack.
    await served.kill()
    assert await screen.closed() == 1006
    await served.start()
    screen = await served.screen(token)
    assert screen.of("welcome")[0]["epoch"] == epoch
    second = await screen.navigate()
    assert (second["id"], second["seq"], second["attempt"]) == (first["id"], first["seq"], 1)
    await screen.received(second)
    await screen.settled()

    # Killed between received and shown; the ack comes over the next connection, unasked.
    await served.kill()
    await served.start()
    screen = await served.screen(token)
    await screen.shown(second)
    told = await screen.expect("delivery")
    assert (told["id"], told["state"], told["final"]) == (first["id"], "shown", True)
    states = await history(served, key, body["id"])
    assert states[-1] == ("shown", 1)

    # What was shown stays shown; the next one has a higher seq; and a stop is clean.
    await served.kill()
    await served.start()
    screen = await served.screen(token)
    duplicate = await served.call("POST", "/api/trigger?wait=shown", body, bearer=key)
    assert (duplicate.status, duplicate.json["result"]) == (200, "shown")
    assert (await served.trigger(key)).status == 202
    assert (await screen.show_next())["seq"] > first["seq"]
    await screen.expect("delivery")
    assert await served.stop() == 0
    assert (await screen.expect("goodbye"))["reason"]
    assert await screen.closed() == 1001
