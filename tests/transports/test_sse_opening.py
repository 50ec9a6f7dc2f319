"""Opening an event stream: who may, with what, and what is said to whoever may not."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.edge.origins import EXTENSION
from appliance.relay import tickets
from tests.conftest import MakeHouse
from tests.support.house import House, until
from tests.transports.eventstream import EventStream, screen, subscribed

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"


async def new_ticket(house: House, token: str) -> str:
    answer = await house.call("POST", "/api/events/ticket", bearer=token)
    assert answer.status == 201, answer.text
    assert answer.json["expiresIn"] == 10
    return str(answer.json["ticket"])


async def signed_in(house: House) -> dict[str, str]:
    """The headers of a browser in which a viewer has signed in."""
    who: dict[str, Any] = {"username": "mina", "password": "correct horse battery"}
    made = await house.local("POST", "/api/users", {**who, "role": "viewer"})
    assert made.status == 201, made.text
    answer = await house.call("POST", "/api/auth/login", who)
    assert answer.status == 200, answer.text
    return {"Cookie": answer.headers["Set-Cookie"].partition(";")[0], "User-Agent": CHROME}


async def test_a_bearer_token_opens_one(house: House) -> None:
    stream = await EventStream(house, await house.pair("S-1")).connect()
    welcome = await stream.expect("welcome")
    assert (welcome["screenId"], welcome["role"]) == ("S-1", "operator")


async def test_the_answer_is_one_that_nothing_on_the_way_keeps_or_packs(house: House) -> None:
    stream = await EventStream(house, house.key).connect(headers={"Accept-Encoding": "gzip, br"})
    assert (stream.status, stream.headers["content-type"]) == (200, "text/event-stream")
    assert "no-store" in stream.headers["cache-control"]
    assert "no-transform" in stream.headers["cache-control"]
    assert stream.headers["x-accel-buffering"] == "no"
    assert "content-encoding" not in stream.headers
    await stream.expect("welcome")
    assert stream.raw.startswith(b":")  # a comment of 2 KB, which makes proxies let go of the rest
    assert len(stream.raw.partition(b"\n")[0]) >= 2048
    assert stream.retries == [1000]


async def test_a_client_says_of_itself_what_hello_would(house: House) -> None:
    stream = await screen(house, client="kiosk/2.1", displays='[{"index":0},{"index":1,"name":"right"}]')
    known = (await house.local("GET", "/api/screens/S-1")).json
    assert (known["client"]["name"], known["client"]["version"]) == ("kiosk", "2.1")
    assert [display["index"] for display in known["displays"]] == [0, 1]
    await house.accepted(displayIndex=2)
    await house.accepted("ORD-1002", displayIndex=1)
    assert (await stream.expect("navigate"))["displayIndex"] == 1


async def test_a_ticket_opens_one_once(house: House) -> None:
    ticket = await new_ticket(house, await house.pair("S-1"))
    stream = await EventStream(house).connect({"ticket": ticket, "capabilities": "shown"})
    assert (await stream.expect("welcome"))["screenId"] == "S-1"
    again = await EventStream(house).connect({"ticket": ticket})
    problem = await again.refused(401, "TOKEN_INVALID")
    assert "ticket" in problem["detail"]
    assert not stream.ended


async def test_a_ticket_counts_before_the_credential_beside_it(house: House) -> None:
    ticket = await new_ticket(house, await house.pair("S-1"))
    stream = await EventStream(house, house.key).connect({"ticket": ticket})
    assert (await stream.expect("welcome"))["screenId"] == "S-1"


async def test_a_ticket_ends_after_its_ten_seconds(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    assert tickets.TICKET_SECONDS == 10
    monkeypatch.setattr(tickets, "TICKET_SECONDS", 0)
    ticket = (await house.call("POST", "/api/events/ticket", bearer=house.key)).json["ticket"]
    await (await EventStream(house).connect({"ticket": ticket})).refused(401, "TOKEN_INVALID")


async def test_a_ticket_ends_with_the_credential_behind_it(house: House) -> None:
    ticket = await new_ticket(house, await house.pair("S-1"))
    assert (await house.local("POST", "/api/screens/S-1/revoke")).status == 204
    await (await EventStream(house).connect({"ticket": ticket})).refused(401, "TOKEN_INVALID")


async def test_a_ticket_is_for_those_who_are_known(house: House) -> None:
    (await house.call("POST", "/api/events/ticket")).problem(401, "TOKEN_INVALID")
    (await house.call("POST", "/api/events/ticket", bearer="nonsense")).problem(401, "TOKEN_INVALID")


async def test_the_cookie_counts_on_own_pages(house: House) -> None:
    browser = await signed_in(house)
    for site in ("same-origin", "none", ""):
        stream = await EventStream(house).connect(headers={**browser, "Sec-Fetch-Site": site})
        welcome = await stream.expect("welcome")
        assert (welcome["role"], welcome.get("screenId")) == ("viewer", None)


@pytest.mark.parametrize("site", ["same-site", "cross-site"])
async def test_the_cookie_counts_on_no_other_page(house: House, site: str) -> None:
    browser = await signed_in(house)
    stream = await EventStream(house).connect(headers={**browser, "Sec-Fetch-Site": site})
    await stream.refused(403, "ORIGIN_NOT_ALLOWED")


@pytest.mark.parametrize("origin", ["http://127.0.0.1:9999", "http://evil.example", "null"])
async def test_a_page_that_names_another_origin_opens_none(house: House, origin: str) -> None:
    # Over plain HTTP browsers send no Sec-Fetch-Site, and another port of the same host is the same site to a cookie.
    browser = await signed_in(house)
    stream = await EventStream(house).connect(headers={**browser, "Origin": origin})
    await stream.refused(403, "ORIGIN_NOT_ALLOWED")
    own = await EventStream(house).connect(headers={**browser, "Origin": house.url})
    await own.expect("welcome")


async def test_an_extension_opens_one_with_its_token_and_acks(house: House) -> None:
    extension = {"Origin": EXTENSION}
    token = await house.pair("S-1")
    stream = await EventStream(house, token).connect({"capabilities": "shown"}, headers=extension)
    await stream.expect("welcome")
    assert stream.headers["access-control-allow-origin"] == extension["Origin"]
    trigger_id = await house.accepted()
    delivery = await stream.expect("navigate")
    evidence = {"display": {"index": delivery["displayIndex"]}, "url": delivery["url"]}
    ack = {"id": delivery["id"], "status": "shown", **evidence}
    assert (await house.call("POST", "/api/events/ack", ack, bearer=token, headers=extension)).status == 204
    await house.becomes(trigger_id, "shown")
    by_cookie = await EventStream(house).connect(headers={**await signed_in(house), **extension})
    await by_cookie.refused(403, "ORIGIN_NOT_ALLOWED")


async def test_an_allowed_site_opens_one_and_may_read_it(make_house: MakeHouse) -> None:
    house = await make_house({"server": {"allowed_origins": ["http://mes.example"]}})
    page = {"Origin": "http://mes.example", "Sec-Fetch-Site": "cross-site"}
    stream = await EventStream(house).connect(headers={**await signed_in(house), **page})
    await stream.expect("welcome")
    assert stream.headers["access-control-allow-origin"] == "http://mes.example"
    assert stream.headers["access-control-allow-credentials"] == "true"
    preflight = {"Origin": "http://mes.example", "Access-Control-Request-Method": "POST"}
    assert (await house.call("OPTIONS", "/api/events/ack", headers=preflight)).status == 204


async def test_a_post_by_cookie_needs_the_csrf_token(house: House) -> None:
    browser = await signed_in(house)
    stream = await EventStream(house).connect(headers=browser)
    await stream.expect("welcome")
    body = {"type": "ping", "t": 5}
    (await house.call("POST", "/api/events/send", body, headers=browser)).problem(403, "CSRF_INVALID")
    csrf = (await house.call("GET", "/api/csrf", headers=browser)).json
    own = {**browser, "X-CSRF-Token": next(iter(csrf.values()))}
    answer = await house.call("POST", "/api/events/send", body, headers=own)
    assert (answer.status, answer.json["type"], answer.json["t"]) == (200, "pong", 5)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"restore": "perhaps"}, "restore"),
        ({"capabilities": "shown;drop table"}, "capabilities"),
        ({"capabilities": ",".join(f"c{n}" for n in range(40))}, "capabilities"),
        ({"displays": "two"}, "displays"),
        ({"displays": '[{"index":"left"}]'}, "displays"),
        ({"displays": '[{"index":77}]'}, "displays"),
        ({"displays": "[" * 2000}, "displays"),
    ],
)
async def test_a_question_that_makes_no_sense_is_told_so(house: House, query: dict[str, str], field: str) -> None:
    stream = await EventStream(house, house.key).connect(query)
    problem = await stream.refused(400, "VALIDATION_ERROR")
    assert [error["field"] for error in problem["errors"]] == [field]
    assert len(house.appliance.engine.sessions) == 0


@pytest.mark.parametrize("restore", ["", "0", "1", "true", "false", "True"])
async def test_restore_is_a_word_for_yes_or_no(house: House, restore: str) -> None:
    await subscribed(house, house.key, restore=restore, whatever="else")


async def test_what_only_takes_something_else_is_told_what_comes(house: House) -> None:
    refused = await EventStream(house, house.key).connect(headers={"Accept": "application/json, text/html;q=0.9"})
    problem = await refused.refused(400, "VALIDATION_ERROR")
    assert "text/event-stream" in problem["detail"]
    for accept in ("*/*", "text/html, */*;q=0.1", "text/*", ""):
        stream = await EventStream(house, house.key).connect(headers={"Accept": accept})
        await stream.expect("welcome")


async def test_nobody_gets_in_without_a_credential_or_with_one_in_the_address(house: House) -> None:
    await (await EventStream(house).connect()).refused(401, "TOKEN_INVALID")
    await (await EventStream(house).connect({"token": house.key})).refused(401, "TOKEN_INVALID")
    await (await EventStream(house).connect({"ticket": ""})).refused(401, "TOKEN_INVALID")
    await (await EventStream(house, "nonsense").connect()).refused(401, "TOKEN_INVALID")


async def test_a_head_opens_nothing(house: House) -> None:
    asked = await EventStream(house, house.key).connect(method="HEAD")
    assert (asked.status, asked.headers["allow"]) == (405, "GET")
    assert len(house.appliance.engine.sessions) == 0


async def test_http_1_0_gets_the_events_without_chunks(house: House) -> None:
    stream = await EventStream(house, await house.pair("S-1")).connect(version="HTTP/1.0")
    assert "transfer-encoding" not in stream.headers
    await stream.expect("welcome")
    await house.accepted()
    await stream.show(await stream.expect("navigate"))
    await stream.expect("delivery")


async def test_a_connection_that_is_hung_up_is_noticed_at_once(house: House) -> None:
    stream = await screen(house)
    sessions = house.appliance.engine.sessions
    assert sessions.of_screen("S-1") is not None
    await stream.write(b"GET /api/health HTTP/1.1\r\nHost: x\r\n\r\n")  # it isn't listened to here
    await house.accepted()
    await stream.expect("navigate")
    await stream.close()
    await until(lambda: sessions.of_screen("S-1") is None and len(sessions) == 0, within=2)
