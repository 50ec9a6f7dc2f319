"""Every figure the appliance tells of itself, against what the test counted."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from tests.conftest import MakeHouse
from tests.support.answers import new_trigger, now_ms
from tests.support.house import House, until

RETRYING = {"delivery": {"retry_base_ms": 5}}


async def exposition(house: House) -> dict[str, float]:
    """`/metrics` as Prometheus reads it: each sample by its name with labels."""
    answer = await house.call("GET", "/metrics")
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/plain")
    samples = {}
    for line in answer.text.splitlines():
        if not line.startswith("#"):
            name, value = re.fullmatch(r"(\S+(?:\{.*\})?) (\S+)", line).groups()  # type: ignore[union-attr]
            samples[name] = float(value)
    return samples


async def dashboard(house: House) -> dict[str, Any]:
    answer = await house.local("GET", "/api/monitoring/dashboard")
    body: dict[str, Any] = answer.json
    return body


async def test_an_idle_appliance_says_so(house: House) -> None:
    metrics = (await house.local("GET", "/api/metrics")).json
    assert metrics == {
        "successRate": 100, "errorRate": 0, "lossRate": 0, "recoveryRate": 100, "averageLatency": None,
        "p50Latency": None, "p95Latency": None, "p99Latency": None, "messagesPerMinute": 0,
    }  # fmt: skip
    found = await dashboard(house)
    assert (found["totalConnections"], found["activeScreens"], found["deadLetters"]) == (0, 0, 0)
    assert (found["screens"], found["today"]) == (
        {"total": 0, "paired": 0, "online": 0},
        {"accepted": 0, "dead": 0},
    )
    assert (found["recentScans"], found["recentErrors"], len(found["minutes"])) == ([], [], 60)
    assert found["storage"] == "ok"
    assert abs(found["time"] - now_ms()) < 5_000


async def test_every_figure_equals_what_the_test_counted(make_house: MakeHouse) -> None:
    house = await make_house(RETRYING)
    one, two = await house.screen("S-1"), await house.screen("S-2")
    await house.pair("S-3")
    await house.local("POST", "/api/screens", {"screenId": "S-4"})
    await house.session(house.key)
    counted: Counter[str] = Counter()

    for _ in range(5):  # shown at once
        await house.accepted()
        await one.show_next()
        await one.expect("delivery")
        counted["shown"] += 1
    for _ in range(2):  # shown at the second attempt
        await house.accepted(screen_id="S-2")
        await two.failed(await two.navigate())
        await two.show_next()
        await two.expect("delivery")
        counted["shown"] += 1
        counted["retried"] += 1
    dead = await house.accepted(screen_id="S-2")  # dead at once
    await two.failed(await two.navigate(), "DOCUMENT_URL_REFUSED")
    await two.expect("delivery")
    counted["dead"] += 1
    for order in ("ORD-1001", "ORD-1002"):  # the first superseded, the second open, for a screen that is off
        await house.accepted(order, screen_id="S-3")
    counted["superseded"] += 1
    broadcast = await house.trigger(screen_id=None, target="screen:S-1*")
    assert broadcast.status == 202
    await one.show_next()
    await one.expect("delivery")
    counted["shown"] += 1
    (await house.trigger("ORD-9999")).problem(404, "ORDER_NOT_FOUND")
    (await house.trigger(screen_id="S-9")).problem(404, "SCREEN_NOT_FOUND")
    (await house.trigger(screen_id="S-9")).problem(404, "SCREEN_NOT_FOUND")
    await house.becomes(dead, "dead")

    accepted, ended = 11, counted["shown"] + counted["dead"] + counted["superseded"]
    metrics = (await house.local("GET", "/api/metrics")).json
    assert metrics["successRate"] == pytest.approx(100 * (ended - 1) / ended, abs=0.01)
    assert metrics["errorRate"] == pytest.approx(100 * 1 / ended, abs=0.01)
    assert (metrics["lossRate"], metrics["recoveryRate"], metrics["messagesPerMinute"]) == (0, 100, accepted)
    assert 0 < metrics["p50Latency"] <= metrics["p95Latency"] <= metrics["p99Latency"] < 10_000
    assert 0 < metrics["averageLatency"] < 10_000

    found = await dashboard(house)
    assert {name: found[name] for name in ("totalConnections", "activeScreens", "messagesPerMinute")} == {
        "totalConnections": 3, "activeScreens": 2, "messagesPerMinute": accepted,
    }  # fmt: skip
    assert found["screens"] == {"total": 4, "paired": 3, "online": 2}
    assert found["today"] == {"accepted": accepted, "dead": 1}
    assert found["deadLetters"] == 1
    assert found["errorRate"] == metrics["errorRate"]
    assert sum(minute["scans"] for minute in found["minutes"]) == accepted
    assert found["p95ShownMs"] == pytest.approx(metrics["p95Latency"], abs=0.02)
    (error,) = found["recentErrors"]
    assert {name: error[name] for name in ("screenId", "error", "severity")} == {
        "screenId": "S-2", "error": "DOCUMENT_URL_REFUSED", "severity": error["severity"],
    }  # fmt: skip
    assert error["severity"] in {"INFO", "WARN", "ERROR"}
    states = Counter(scan["state"] for scan in found["recentScans"])
    assert states == {"shown": counted["shown"], "dead": 1, "superseded": 1, "pending": 1}
    newest = found["recentScans"][0]
    assert (newest["screenId"], newest["orderId"], newest["state"]) == ("S-1", "ORD-1001", "shown")
    assert 0 <= newest["sentMs"] <= newest["receivedMs"] <= newest["shownMs"]

    samples = await exposition(house)
    assert samples["vooster_triggers_accepted_total"] == accepted
    assert samples['vooster_triggers_refused_total{code="ORDER_NOT_FOUND"}'] == 1
    assert samples['vooster_triggers_refused_total{code="SCREEN_NOT_FOUND"}'] == 2
    assert samples['vooster_deliveries_ended_total{state="shown"}'] == counted["shown"]
    assert samples['vooster_deliveries_ended_total{state="dead"}'] == 1
    assert samples['vooster_deliveries_ended_total{state="superseded"}'] == 1
    assert samples['vooster_deliveries_dead_total{code="DOCUMENT_URL_REFUSED"}'] == 1
    navigations = len(one.of("navigate")) + len(two.of("navigate"))
    assert samples["vooster_deliveries_sent_total"] == navigations
    assert samples["vooster_deliveries_retried_total"] == counted["retried"]
    assert (samples["vooster_deliveries_open"], samples["vooster_sessions"]) == (1, 3)
    assert (samples["vooster_screens_online"], samples["vooster_storage_up"]) == (2, 1)
    assert samples["vooster_shown_seconds_count"] == counted["shown"]
    assert samples['vooster_shown_seconds_bucket{le="+Inf"}'] == counted["shown"]
    assert samples["vooster_shown_seconds_sum"] == pytest.approx(
        metrics["averageLatency"] * counted["shown"] / 1000, rel=0.02
    )


async def test_a_repeat_is_counted_as_a_repeat(house: House) -> None:
    await house.pair("S-1")
    body = new_trigger()
    for _ in range(3):
        await house.call("POST", "/api/trigger", body, bearer=house.key)
    samples = await exposition(house)
    assert samples["vooster_triggers_accepted_total"] == 1
    assert samples["vooster_triggers_duplicate_total"] == 2
    assert (await dashboard(house))["messagesPerMinute"] == 1


async def test_what_was_shown_before_a_restart_is_still_told_after_it(house: House) -> None:
    screen = await house.screen()
    trigger_id = await house.accepted()
    await screen.show_next()
    await house.becomes(trigger_id, "shown")
    await house.pair("S-2")
    await house.accepted(screen_id="S-2")
    await house.restart()
    found = await dashboard(house)
    assert [(scan["screenId"], scan["state"]) for scan in found["recentScans"]] == [
        ("S-2", "pending"),
        ("S-1", "shown"),
    ]
    assert found["today"] == {"accepted": 2, "dead": 0}
    assert (await house.local("GET", "/api/metrics")).json["lossRate"] == 0


async def test_replays_leave_the_loss_rate_at_nothing(house: House) -> None:
    screen = await house.screen()
    trigger_id = await house.accepted()
    await screen.failed(await screen.navigate(), "DOCUMENT_URL_REFUSED")
    dead = await house.becomes(trigger_id, "dead")
    assert (await dashboard(house))["deadLetters"] == 1
    await house.local("POST", f"/api/dead-letters/{dead['id']}/replay")
    await screen.show_next()
    await house.becomes(trigger_id, "shown")
    found = await dashboard(house)
    assert (found["deadLetters"], found["today"]["dead"]) == (0, 0)
    assert (await house.local("GET", "/api/metrics")).json["lossRate"] == 0


async def test_who_may_see_what(house: House) -> None:
    screen_token = await house.pair("S-1")
    viewer = await house.new_key("viewer")
    for path in ("/api/metrics", "/api/monitoring/dashboard", "/api/monitoring/stream"):
        (await house.call("GET", path)).problem(401, "TOKEN_INVALID")
        (await house.call("GET", path, bearer=screen_token)).problem(403, "PERMISSION_DENIED")
    assert (await house.call("GET", "/api/monitoring/dashboard", bearer=viewer)).status == 200
    proxied = {"X-Forwarded-For": "10.0.0.9"}
    (await house.call("GET", "/metrics", headers=proxied)).problem(401, "TOKEN_INVALID")
    assert (await house.call("GET", "/metrics", headers=proxied, bearer=viewer)).status == 200
    for name in ("Forwarded", "Via", "X-Real-IP", "X-Forwarded-Proto", "X-Forwarded-Host", "x-forwarded-port"):
        (await house.call("GET", "/metrics", headers={name: "1.1 front"})).problem(401, "TOKEN_INVALID")
    stranger = (await house.call("GET", "/api/health")).json
    assert stranger["status"] == "ok"
    assert set(stranger["checks"]["storage"]) == {"status"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", stranger["timestamp"])
    known = (await house.call("GET", "/api/health", bearer=viewer)).json
    assert set(known["checks"]) == {"storage", "orders", "tls"}
    assert len(known["checks"]["orders"]) > 1
    assert (await house.call("GET", "/api/health/live")).json == {"status": "ok"}
    assert (await house.call("GET", "/api/health/ready")).json == {"status": "ok"}


async def test_whoever_is_limited_is_told_no_folder_and_no_order_of_the_plant(house: House) -> None:
    for scope in ({"groups": ["line-1"]}, {"screens": ["S-1"]}):
        key = await house.new_key("viewer", **scope)
        told = await house.call("GET", "/api/health", bearer=key)
        assert {name: set(check) for name, check in told.json["checks"].items()} == {
            name: {"status"} for name in ("storage", "orders", "tls")
        }
        assert str(house.orders) not in told.text


@pytest.mark.parametrize("path", ["/api/monitoring/stream", "/api/dead-letters", "/api/deliveries", "/api/audit"])
async def test_an_answer_to_a_head_has_no_body(house: House, path: str) -> None:
    key = await house.new_key("admin")
    host = urlsplit(house.url)
    reader, writer = await asyncio.open_connection(host.hostname, host.port)
    asked = f"HTTP/1.1\r\nHost: {host.netloc}\r\nAuthorization: Bearer {key}\r\nAccept: text/csv\r\n"
    writer.write(f"HEAD {path} {asked}\r\nGET /api/health/live {asked}Connection: close\r\n\r\n".encode())
    async with asyncio.timeout(10):
        answers = await reader.read()
    writer.close()
    first, second, body = answers.split(b"\r\n\r\n")
    assert first.startswith(b"HTTP/1.1 405" if path.endswith("stream") else b"HTTP/1.1 200")
    assert second.startswith(b"HTTP/1.1 200")
    assert json.loads(body) == {"status": "ok"}


async def test_a_folder_that_is_away_degrades_health(house: House) -> None:
    away = house.root / "away"
    house.orders.rename(away)
    await house.pair("S-1")
    await house.accepted()
    answer = await house.call("GET", "/api/health")
    assert (answer.status, answer.json["status"]) == (200, "degraded")
    assert answer.json["checks"]["orders"]["status"] == "degraded"
    assert (await house.call("GET", "/api/health/ready")).status == 200
    away.rename(house.orders)


async def test_the_live_stream_tells_what_changes(house: House) -> None:
    screen = await house.screen()
    viewer = await house.new_key("viewer")
    headers = {"Authorization": f"Bearer {viewer}"}
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"{house.url}/api/monitoring/stream", headers=headers) as stream,
    ):
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        seen: list[tuple[str, dict[str, Any]]] = []

        async def read() -> None:
            kind = ""
            async for line in stream.content:
                text = line.decode().rstrip()
                if text.startswith("event: "):
                    kind = text.removeprefix("event: ")
                elif text.startswith("data: "):
                    seen.append((kind, json.loads(text.removeprefix("data: "))))

        reading = asyncio.create_task(read())
        await until(lambda: bool(seen))
        assert seen[0][0] == "snapshot"
        whole = await dashboard(house)
        assert set(seen[0][1]) == set(whole)
        await house.accepted()
        await screen.show_next()
        now = dict(seen[0][1])

        def caught_up() -> bool:
            for _, change in seen:
                now.update(change)
            return now["today"]["accepted"] == 1 and [scan["state"] for scan in now["recentScans"]] == ["shown"]

        await until(caught_up)
        assert {kind for kind, _ in seen[1:]} == {"change"}
        assert all(set(change) < set(whole) for _, change in seen[1:])
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


async def test_whoever_is_limited_sees_the_scans_of_its_own_screens_alone(house: House) -> None:
    for screen_id in ("S-1", "S-2"):
        wire = await house.screen(screen_id)
        trigger_id = await house.accepted("ORD-1001", screen_id)
        await wire.failed(await wire.navigate(), "DOCUMENT_NOT_FRAMEABLE")
        await house.becomes(trigger_id, "dead")
    key = await house.new_key("viewer", screens=["S-2"])
    told = (await house.call("GET", "/api/monitoring/dashboard", bearer=key)).json
    assert [scan["screenId"] for scan in told["recentScans"]] == ["S-2"]
    assert [error["screenId"] for error in told["recentErrors"]] == ["S-2"]
    assert (await house.call("GET", f"/api/triggers/{trigger_id}", bearer=key)).status == 200
    elsewhere = await house.new_key("viewer", screens=["S-1"])
    (await house.call("GET", f"/api/triggers/{trigger_id}", bearer=elsewhere)).problem(404, "NOT_FOUND")
