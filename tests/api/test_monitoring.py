"""Health and figures: true numbers, the same ones everywhere."""

from __future__ import annotations

import asyncio
import re

from tests.support.house import House, until


async def figures(house: House) -> dict[str, float]:
    """Prometheus' counters by name and labels."""
    text = (await house.call("GET", "/metrics")).text
    return {name: float(value) for name, value in re.findall(r"^(\w+(?:\{[^}]*\})?) ([0-9.e+-]+)$", text, re.MULTILINE)}


async def test_every_figure_equals_what_was_counted(house: House) -> None:
    wire = await house.screen("S-1")
    for _ in range(3):
        trigger_id = await house.accepted("ORD-1001")
        await wire.show_next()
        await house.becomes(trigger_id, "shown")
    failing = await house.accepted("ORD-1002")
    await wire.failed(await wire.navigate(), "DOCUMENT_NOT_FRAMEABLE")
    await house.becomes(failing, "dead")
    await house.trigger("NO-SUCH-ORDER")
    viewer = await house.new_key("viewer")

    told = (await house.call("GET", "/api/monitoring/dashboard", bearer=viewer)).json
    assert (told["today"], told["deadLetters"]) == ({"accepted": 4, "dead": 1}, 1)
    assert (told["messagesPerMinute"], told["minutes"][-1]["scans"] + told["minutes"][-2]["scans"]) == (4, 4)
    assert (told["totalConnections"], told["activeScreens"]) == (1, 1)
    assert told["screens"] == {"total": 1, "paired": 1, "online": 1}
    assert (told["storage"], told["errorRate"]) == ("ok", 25)
    assert [scan["state"] for scan in told["recentScans"]] == ["dead", "shown", "shown", "shown"]
    assert told["recentErrors"][0] | {"timestamp": 0} == {
        "timestamp": 0,
        "screenId": "S-1",
        "error": "DOCUMENT_NOT_FRAMEABLE",
        "severity": "WARN",
    }
    for scan in told["recentScans"][1:]:
        assert 0 <= scan["sentMs"] <= scan["receivedMs"] <= scan["shownMs"]

    shares = (await house.call("GET", "/api/metrics", bearer=viewer)).json
    assert (shares["successRate"], shares["errorRate"], shares["lossRate"]) == (75, 25, 0)
    assert 0 < shares["p50Latency"] <= shares["p95Latency"] <= shares["p99Latency"]
    assert shares["messagesPerMinute"] == 4

    counted = await figures(house)
    assert counted["vooster_triggers_accepted_total"] == 4
    assert counted['vooster_deliveries_ended_total{state="shown"}'] == 3
    assert counted['vooster_deliveries_dead_total{code="DOCUMENT_NOT_FRAMEABLE"}'] == 1
    assert counted['vooster_triggers_refused_total{code="ORDER_NOT_FOUND"}'] == 1
    assert (counted["vooster_screens_online"], counted["vooster_deliveries_open"]) == (1, 0)
    assert counted["vooster_shown_seconds_count"] == 3


async def test_an_idle_appliance_is_a_successful_one(house: House) -> None:
    viewer = await house.new_key("viewer")
    shares = (await house.call("GET", "/api/metrics", bearer=viewer)).json
    assert (shares["successRate"], shares["errorRate"], shares["p95Latency"]) == (100, 0, None)


async def test_anyone_hears_whether_it_is_well_and_viewers_why(house: House) -> None:
    stranger = await house.call("GET", "/api/health")
    assert (stranger.status, stranger.json["status"]) == (200, "ok")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", stranger.json["timestamp"])
    assert stranger.json["uptime"] >= 0
    assert all(set(check) == {"status"} for check in stranger.json["checks"].values())
    viewer = await house.call("GET", "/api/health", bearer=await house.new_key("viewer"))
    assert viewer.json["checks"]["orders"]["documents"] == 2
    for path in ("live", "ready"):
        assert (await house.call("GET", f"/api/health/{path}")).status == 200


async def test_a_folder_that_is_gone_degrades_and_says_so(house: House) -> None:
    house.orders.rename(house.root / "away")
    await house.trigger("ORD-1001", "NO-SCREEN")  # nothing is known about the folder before somebody looks
    key = await house.new_key("viewer")
    await until(lambda: not house.appliance.source.status()["ok"])
    told = await house.call("GET", "/api/health", bearer=key)
    assert (told.status, told.json["status"]) == (200, "degraded")
    assert told.json["checks"]["orders"]["status"] == "degraded"
    assert told.json["checks"]["orders"]["detail"]


async def test_figures_are_for_viewers_and_loopback(house: House) -> None:
    for path in ("/api/metrics", "/api/monitoring/dashboard", "/api/monitoring/stream"):
        (await house.call("GET", path)).problem(401, "TOKEN_INVALID")
    assert (await house.call("GET", "/metrics")).status == 200
    forwarded = {"X-Forwarded-For": "10.0.0.1"}
    (await house.call("GET", "/metrics", headers=forwarded)).problem(401, "TOKEN_INVALID")


async def test_the_stream_begins_with_a_snapshot_and_goes_on_with_changes(house: House) -> None:
    wire = await house.screen("S-1")
    headers = {"Authorization": f"Bearer {await house.new_key('viewer')}"}
    assert house._http is not None
    async with house._http.get(f"{house.url}/api/monitoring/stream", headers=headers) as response, asyncio.timeout(10):
        assert response.headers["Content-Type"] == "text/event-stream"
        assert await response.content.readline() == b"event: snapshot\n"
        snapshot = await response.content.readline()
        assert b'"today":{"accepted":0,"dead":0}' in snapshot
        await house.accepted("ORD-1001")
        await wire.show_next()
        heard = b""
        while b'"today":{"accepted":1,"dead":0}' not in heard or b'"state":"shown"' not in heard:
            heard += await response.content.readline()
        assert b"event: change" in heard
        assert b'"plant"' not in heard, "a change holds only what has changed"
