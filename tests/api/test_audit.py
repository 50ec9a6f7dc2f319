"""The audit record over HTTP: everything that a person or a program changes is in it, with who, what, where from."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from appliance import __version__
from appliance.relay import record
from appliance.storage import audit
from tests.support.house import House, opened
from tests.support.letters import die

PATH = "/api/audit"
PASSWORD = "correct horse battery"


async def found(house: House, query: str = "") -> list[dict[str, Any]]:
    """Every entry that is found, page after page, oldest first."""
    items: list[dict[str, Any]] = []
    cursor = ""
    while True:
        answer = await house.local("GET", f"{PATH}?{query}{cursor}")
        assert answer.status == 200, answer.text
        assert answer.json["chain"]["intact"] is True
        items += answer.json["items"]
        if answer.json["cursor"] is None:
            return items[::-1]
        cursor = f"&cursor={answer.json['cursor']}"


async def actions(house: House, query: str = "") -> list[str]:
    return [item["action"] for item in await found(house, query)]


async def test_every_change_is_there_with_who_did_it_and_from_where(house: House) -> None:
    admin = await house.new_key("admin")
    me = (await house.local("GET", "/api/keys")).json["items"][-1]["id"]
    seen = len(await found(house))

    async def done(method: str, path: str, body: Any = None, status: int = 204, **how: Any) -> Any:
        answer = await house.call(method, path, body, bearer=how.get("bearer", admin))
        assert answer.status == status, (path, answer.text)
        return answer.json if answer.text else None

    await done("POST", "/api/screens", {"screenId": "S-1"}, 201)
    await done("PATCH", "/api/screens/S-1", {"name": "절단 1"}, 200)
    (pairing,) = (await done("POST", "/api/pairing/provision", {"screenIds": ["S-1"]}, 201))["items"]
    house.tokens["S-1"] = pairing["accessToken"]
    screen = await house.screen("S-1")
    await done("POST", "/api/screens/S-1/identify")
    await done("POST", "/api/screens/S-1/clear")
    dead = await die(house, screen)
    await done("POST", f"/api/dead-letters/{dead}/replay", None, 202)
    await screen.navigate()
    await done("POST", f"/api/deliveries/{dead}/cancel", None, 200)
    await done("DELETE", f"/api/dead-letters/{dead}")
    await done("POST", "/api/users", {"username": "lee", "password": PASSWORD, "role": "viewer"}, 201)
    await done("PATCH", "/api/users/lee", {"role": "operator"}, 200)
    body = {"username": "lee", "password": PASSWORD, "tokens": True}
    tokens = await done("POST", "/api/auth/login", body, 200, bearer=None)
    await done("POST", "/api/auth/login", {**body, "password": "wrong, I fear"}, 401, bearer=None)
    await done("POST", "/api/auth/logout", {"refreshToken": tokens["refreshToken"]}, bearer=None)
    await done("DELETE", "/api/users/lee")
    key = (await done("POST", "/api/keys", {"name": "erp", "role": "viewer"}, 201))["id"]
    await done("DELETE", f"/api/keys/{key}")
    offer = await done("POST", "/api/pairing/offers", {"screenId": "S-1", "replace": True}, 201)
    claim = {"screenId": "S-1", "token": offer["token"]}
    claimed = await done("POST", "/api/pairing/claim", claim, 200, bearer=None)
    await done("POST", "/api/pairing/claim", claim, 410, bearer=None)
    renew = {"screenId": "S-1", "deviceSecret": claimed["deviceSecret"]}
    await done("POST", "/api/auth/device", renew, 200, bearer=None)
    begun = await done("POST", "/api/pairing/device", {}, 200, bearer=None)
    await done("POST", "/api/pairing/deny", {"user_code": begun["user_code"]})
    await done("POST", "/api/screens/S-1/revoke")
    await done("DELETE", "/api/screens/S-1")

    items = (await found(house))[seen:]
    me, there = f"key:{me}", {"screenId": "S-1"}
    assert [(i["actor"], i["action"], i["target"], i["screenId"]) for i in items] == [
        (me, "screen.add", "S-1", "S-1"),
        (me, "screen.change", "S-1", "S-1"),
        (me, "pairing.provision", "S-1", "S-1"),
        (me, "screen.pair", "S-1", "S-1"),
        (me, "screen.identify", "S-1", "S-1"),
        (me, "screen.clear", "S-1", "S-1"),
        (me, "dead-letter.replay", dead, "S-1"),
        (me, "delivery.cancel", dead, "S-1"),
        (me, "dead-letter.discard", dead, "S-1"),
        (me, "user.add", "lee", None),
        (me, "user.change", "lee", None),
        ("user:lee", "auth.login", "lee", None),
        ("stranger", "auth.refused", "lee", None),
        ("user:lee", "auth.logout", "lee", None),
        (me, "user.remove", "lee", None),
        (me, "key.add", key, None),
        (me, "key.remove", key, None),
        (me, "pairing.offer", "S-1", "S-1"),
        ("screen:S-1", "pairing.claim", "S-1", "S-1"),
        ("screen:S-1", "screen.pair", "S-1", "S-1"),
        ("stranger", "pairing.refused", "S-1", "S-1"),
        ("screen:S-1", "screen.renew", "S-1", "S-1"),
        (me, "pairing.deny", begun["user_code"][:4], None),
        (me, "screen.revoke", "S-1", "S-1"),
        (me, "screen.remove", "S-1", "S-1"),
    ]
    assert {i["from"] for i in items} == {"127.0.0.1"}
    assert {name: items[0][name] for name in there} == there and items[0]["actorName"] == "key-2"
    assert PASSWORD not in json.dumps(items) and offer["token"] not in json.dumps(items)
    assert await actions(house, "screenId=S-1&action=pairing.*") == [
        "pairing.provision", "pairing.offer", "pairing.claim", "pairing.refused",
    ]  # fmt: skip


async def test_a_browser_that_signs_out_and_an_old_refresh_token_are_noted(house: House) -> None:
    await house.local("POST", "/api/users", {"username": "lee", "password": PASSWORD, "role": "viewer"})
    body = {"username": "lee", "password": PASSWORD}
    tokens = (await house.call("POST", "/api/auth/login", {**body, "tokens": True})).json
    used = {"refreshToken": tokens["refreshToken"]}
    second = (await house.call("POST", "/api/auth/refresh", used)).json
    await house.call("POST", "/api/auth/refresh", {"refreshToken": second["refreshToken"]})
    (await house.call("POST", "/api/auth/refresh", used)).problem(401, "TOKEN_INVALID")
    answer = await house.call("POST", "/api/auth/login", body)
    cookie = answer.headers["Set-Cookie"].partition(";")[0]
    headers = {"Cookie": cookie, "X-CSRF-Token": answer.json["csrfToken"]}
    assert (await house.call("POST", "/api/auth/logout", headers=headers)).status == 204
    entries = [(i["actor"], i["action"]) for i in await found(house, "action=auth.*")]
    assert entries == [
        ("user:lee", "auth.login"), ("user:lee", "auth.refresh_reused"), ("user:lee", "auth.login"),
        ("user:lee", "auth.logout"),
    ]  # fmt: skip


async def test_what_is_done_at_the_machine_itself_came_from_nowhere_else(house: House) -> None:
    await house.local("POST", "/api/setup/link")
    (entry,) = await found(house, "action=setup.link")
    assert entry["actor"].startswith("local:") and entry["from"] is None


async def test_starts_stops_and_what_was_set_otherwise(tmp_path: Path) -> None:
    async with opened(tmp_path, {"delivery": {"max_retries": 5}}) as house:
        entries = await found(house)
        assert (entries[0]["action"], entries[0]["detail"]) == ("appliance.start", {"version": __version__})
        assert entries[1]["action"] == "settings.change"
        assert entries[1]["detail"]["delivery.max_retries"] == {"from": 3, "to": 5}
        await house.restart()
        again = [i["action"] for i in (await found(house))[len(entries) :]]
        assert again.count("appliance.stop") == again.count("appliance.start") == 1
        assert "settings.change" not in again
        house.values["delivery"]["max_retries"] = 4
        await house.restart()
        (changed,) = (await found(house, "action=settings.change"))[1:]
        assert (changed["actor"], changed["detail"]) == ("system", {"delivery.max_retries": {"from": 5, "to": 4}})


async def test_pages_filters_and_what_is_wrong_with_them(house: House) -> None:
    for number in range(7):
        await house.local("POST", "/api/screens", {"screenId": f"S-{number}"})
    everything = await found(house)
    assert [i["number"] for i in everything] == list(range(1, len(everything) + 1))
    assert await found(house, "limit=2") == everything
    adds = [i for i in everything if i["action"] == "screen.add"]
    assert await found(house, "action=screen.add&limit=3") == await found(house, "action=screen.*") == adds
    assert await found(house, f"actor={adds[0]['actor']}&screenId=S-3") == [adds[3]]
    assert await found(house, f"since={adds[2]['at']}&until={adds[4]['at']}&action=screen.add&limit=1") == [
        i for i in adds if adds[2]["at"] <= i["at"] <= adds[4]["at"]
    ]
    for query in ("since=x", "screenId=%20", "action=SELECT", "limit=0", "cursor=a-b", "verify=all", "since=2&until=1"):
        (await house.local("GET", f"{PATH}?{query}")).problem(400, "VALIDATION_ERROR")
    assert (await house.local("GET", f"{PATH}?cursor=1")).json["items"] == []


async def test_a_search_that_finds_little_reads_on_in_short_steps(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "WALK", 2)
    await house.local("POST", "/api/screens", {"screenId": "S-1"})
    for number in range(9):
        await house.local("PATCH", "/api/screens/S-1", {"name": f"{number}"})
    assert await actions(house, "action=screen.add") == ["screen.add"]
    assert await actions(house, "action=no.such") == []


async def test_only_admins_read_it(house: House) -> None:
    for role in ("viewer", "operator", "supervisor"):
        (await house.call("GET", PATH, bearer=await house.new_key(role))).problem(403, "PERMISSION_DENIED")
    (await house.call("GET", PATH)).problem(401, "TOKEN_INVALID")
    assert (await house.call("GET", PATH, bearer=await house.new_key("admin"))).status == 200


async def test_exports_are_safe_to_open_and_are_noted_themselves(house: House) -> None:
    await house.local("POST", "/api/screens", {"screenId": "S-1"})
    await house.local("PATCH", "/api/screens/S-1", {"name": '=HYPERLINK("http://x")'})
    admin = await house.new_key("admin")
    headers = {"Accept": "text/csv"}
    answer = await house.call("GET", f"{PATH}?action=screen.*", bearer=admin, headers=headers)
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="vooster-audit-')
    rows = list(csv.DictReader(io.StringIO(answer.text.lstrip("﻿"))))
    assert [row["action"] for row in rows] == ["screen.change", "screen.add"]
    assert rows[0]["screenName"] == '\'=HYPERLINK("http://x")'
    assert len(rows[0]["seal"]) == 64
    lines = await house.call("GET", PATH, bearer=admin, headers={"Accept": "application/x-ndjson"})
    items = [json.loads(line) for line in lines.text.splitlines()]
    assert items == (await found(house))[: len(items)][::-1]
    for path in ("/api/dead-letters?screenId=S-1", "/api/deliveries"):
        assert (await house.call("GET", path, bearer=admin, headers=headers)).status == 200
        await house.call("HEAD", path, bearer=admin, headers=headers)
    exports = await found(house, "action=export")
    assert [(i["target"], i["detail"]) for i in exports] == [
        ("audit", {"format": "csv", "filter": {"action": "screen.*"}}),
        ("audit", {"format": "ndjson", "filter": {}}),
        ("dead-letters", {"format": "csv", "filter": {"screenId": "S-1"}}),
        ("deliveries", {"format": "csv", "filter": {}}),
    ]


async def test_each_screen_of_a_replay_has_its_own_entry(house: House) -> None:
    dead = [await die(house, await house.screen(each), each) for each in ("S-1", "S-2")]
    answer = await house.local("POST", "/api/dead-letters/replay", {"ids": dead})
    assert answer.json["replayed"] == 2
    for delivery_id, screen_id in zip(dead, ("S-1", "S-2"), strict=True):
        (entry,) = await found(house, f"action=dead-letter.replay&screenId={screen_id}")
        assert entry["detail"] == {"ids": [delivery_id], "count": 1}


def tamper(house: House, statement: str) -> None:
    with sqlite3.connect(house.data.database) as connection:
        connection.execute("DROP TRIGGER audit_no_update")
        connection.execute(statement)
    connection.close()


async def test_tampering_is_told_with_the_entry(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "AT_ONCE", 3)
    for number in range(6):
        await house.local("POST", "/api/screens", {"screenId": f"S-{number}"})
    chain = (await house.local("GET", PATH)).json["chain"]
    assert chain == {"intact": True, "checked": chain["entries"], "entries": chain["entries"]}
    tamper(house, "UPDATE audit SET actor = 'user:lee' WHERE pk = 4")
    assert (await house.local("GET", PATH)).json["chain"]["intact"], "only what is new is looked at"
    answers = await asyncio.gather(*(house.local("GET", f"{PATH}?verify=full") for _ in range(3)))
    for answer in (*answers, await house.local("GET", PATH)):
        chain = answer.json["chain"]
        assert (chain["intact"], chain["checked"], chain["broken"]["number"]) == (False, 3, 4)
        assert chain["broken"]["reason"] == "changed" and chain["broken"]["at"]
    assert len((await house.local("GET", PATH)).json["items"]) > 6, "it can still be read"


async def test_what_somebody_has_put_there_breaks_no_answer(house: House) -> None:
    await house.local("POST", "/api/screens", {"screenId": "S-1"})
    tamper(house, "UPDATE audit SET at = 'abc', detail = '[', screen_id = x'00ff', actor = 7 WHERE pk = 2")
    for accept in ("application/json", "text/csv", "application/x-ndjson"):
        admin = await house.new_key("admin")
        assert (await house.call("GET", PATH, bearer=admin, headers={"Accept": accept})).status == 200
