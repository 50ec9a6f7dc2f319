"""The data file under an appliance that serves: taken away, it is missed within a minute and nothing is lost by it."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.errors import Problem
from appliance.storage import aside
from appliance.storage.salvage import salvage
from tests.support.house import House


async def test_a_file_taken_away_stops_acceptance_and_comes_back_by_salvage(house: House) -> None:
    screen = await house.screen()
    shown = await house.accepted()
    await screen.show_next()
    await house.becomes(shown, "shown")
    await house.pair("S-2")
    waiting = await house.accepted(screen_id="S-2")
    epoch = screen.of("welcome")[0]["epoch"]
    database = house.data.database
    for file in (database, aside.wal_of(database), database.with_name(f"{database.name}-shm")):
        file.unlink()
    late = await house.accepted()  # nobody has looked yet
    await screen.show_next()
    await house.becomes(late, "shown")

    await house.appliance.engine.upkeep.round()
    (await house.trigger()).problem(503, "STORAGE_UNAVAILABLE")
    health = await house.local("GET", "/api/health")
    check = health.json["checks"]["storage"]
    assert (health.status, health.json["status"], check["status"]) == (503, "fail", "fail")
    assert "taken away" in check["detail"] and check["command"].endswith(check["file"])
    assert (await house.call("GET", "/api/health")).json["checks"]["storage"] == {"status": "fail"}
    await house.stop()

    with pytest.raises(Problem) as refused:
        await house.start()
    assert refused.value.code == "DATABASE_CORRUPT"
    assert refused.value.values == {"file": check["file"], "command": check["command"]}
    report = salvage(Path(check["file"]), database, actor="local:test", now=1, seal_key=b"s" * 32)
    assert report.whole
    await house.start()
    for trigger_id in (shown, late):
        assert (await house.delivery(trigger_id))["state"] == "shown"
    (letter,) = await house.dead_letters()
    assert (letter["triggerId"], letter["code"]) == (waiting, "RESTORED")
    again = await house.screen()
    assert again.of("welcome")[0]["epoch"] != epoch
    await house.accepted()
    await again.show_next()


async def test_the_figures_tell_what_was_forgotten(house: House) -> None:
    house.appliance.engine.metrics.pruned = 7
    text = (await house.call("GET", "/metrics")).text
    assert "vooster_deliveries_pruned_total 7.0" in text
