"""Whose documents may be opened: asked when a trigger comes, when an order is looked up, and again before each send."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.errors import Problem
from appliance.relay.orders import Document
from tests.conftest import MakeHouse
from tests.support.answers import Answer, new_trigger
from tests.support.house import House

PLM = "http://plm.example:8080/d/1.pdf"
ELSEWHERE = "http://evil.example/d/1.pdf"
LISTED = {"documents": {"allowed_hosts": ["plm.example:8080", "192.168.10.0/24"]}}


async def send(house: House, url: str, **members: Any) -> Answer:
    key = await house.new_key("supervisor")
    return await house.call("POST", "/api/trigger", new_trigger(None, "S-1", url=url, **members), bearer=key)


def answers_with(house: House, ref: str) -> None:
    """From now on the order source says that every order's document is there."""
    source: Any = house.appliance.engine.source

    async def look_up(order_id: str) -> Document:
        return Document(order_id, ref, "Drawing", "application/pdf")

    source.look_up, source.at_hand = look_up, lambda order_id: Document(order_id, ref, "Drawing", "application/pdf")


async def test_without_a_list_any_hosts_documents_go_out_and_clients_are_told_of_none(house: House) -> None:
    screen = await house.screen()
    assert "documentHosts" not in screen.of("welcome")[0]
    assert (await send(house, ELSEWHERE)).status == 202
    assert (await screen.show_next())["url"] == ELSEWHERE
    (await send(house, "http://xn--3e0b707e.example/")).problem(422, "DOCUMENT_URL_REFUSED")


@pytest.mark.parametrize("url", ["javascript:alert(1)", "http://plm.example:8080@evil.example/", "http://0x7f.1/"])
async def test_what_is_no_plain_address_is_a_mistake_of_its_sender(house: House, url: str) -> None:
    await house.pair("S-1")
    problem = (await send(house, url)).problem(400, "VALIDATION_ERROR")
    assert [error["field"] for error in problem["errors"]] == ["url"]


async def test_a_host_that_is_not_listed_is_refused_and_leaves_the_monitor_alone(make_house: MakeHouse) -> None:
    house = await make_house(LISTED)
    screen = await house.screen()
    assert screen.of("welcome")[0]["documentHosts"] == ["plm.example:8080", "192.168.10.0/24", house.url[7:]]
    for url in (ELSEWHERE, "http://plm.example/d/1.pdf", "http://192.168.11.1/"):
        problem = (await send(house, url)).problem(422, "DOCUMENT_URL_REFUSED")
        assert "allowed_hosts" in problem["detail"]
    for url in (PLM, "http://192.168.10.77:99/"):
        assert (await send(house, url)).status == 202
        assert (await screen.show_next())["url"] == url
    await house.accepted()
    assert (await screen.show_next())["url"].startswith(f"{house.url}/documents/"), "its own are always fine"
    assert screen.of("error") == []
    assert await house.dead_letters() == []


async def test_an_address_that_the_order_source_gives_is_refused_like_any_other(make_house: MakeHouse) -> None:
    house = await make_house(LISTED)
    screen = await house.screen()
    answers_with(house, PLM)
    await house.accepted("ORD-1")
    assert (await screen.show_next())["url"] == PLM
    answers_with(house, ELSEWHERE)
    (await house.trigger("ORD-2")).problem(422, "DOCUMENT_URL_REFUSED")
    error = await screen.expect("error")
    assert (error["code"], error["orderId"], error["displayIndex"]) == ("DOCUMENT_URL_REFUSED", "ORD-2", 0)


@pytest.mark.parametrize(
    "ref", ["javascript:alert(1)", "file:///etc/passwd", "JavaScript:alert(1)//http://plm.example/"]
)
async def test_whatever_else_the_order_source_says_never_goes_out_as_an_address(house: House, ref: str) -> None:
    screen = await house.screen()
    answers_with(house, ref)
    await house.accepted("ORD-1")
    url = (await screen.show_next())["url"]
    assert url.startswith(f"{house.url}/documents/")
    (await house.call("GET", url.removeprefix(house.url))).problem(404, "NOT_FOUND")


async def test_an_order_that_was_waited_for_ends_dead_when_its_address_is_refused(make_house: MakeHouse) -> None:
    house = await make_house(LISTED)
    screen = await house.screen()
    source: Any = house.appliance.engine.source

    async def away(_order_id: str) -> Document:
        raise Problem("ORDER_SOURCE_UNAVAILABLE")

    source.look_up, source.at_hand = away, lambda _order_id: None
    trigger_id = await house.accepted("ORD-1")
    answers_with(house, ELSEWHERE)
    assert (await house.becomes(trigger_id, "dead"))["code"] == "DOCUMENT_URL_REFUSED"
    refused = await screen.expect("error", lambda message: message["code"] == "DOCUMENT_URL_REFUSED")
    assert refused["orderId"] == "ORD-1"


async def test_what_was_accepted_before_the_list_changed_ends_dead_and_the_next_goes_out(house: House) -> None:
    await house.pair("S-1")
    sent = [(await send(house, f"http://evil.example/{number}", mode="queue")).json["id"] for number in range(300)]
    fine = await house.accepted()
    house.values["documents"] = {"allowed_hosts": ["plm.example"]}
    await house.restart()
    screen = await house.screen()
    assert (await screen.show_next())["orderId"] == "ORD-1001"
    for trigger_id in sent:
        assert (await house.becomes(trigger_id, "dead"))["code"] == "DOCUMENT_URL_REFUSED"
    await house.becomes(fine, "shown")
    assert len(screen.of("navigate")) == 1


async def test_a_document_is_not_brought_back_once_its_host_is_off_the_list(house: House) -> None:
    screen = await house.screen()
    await send(house, ELSEWHERE)
    await screen.show_next()
    await screen.expect("delivery")
    house.values["documents"] = {"allowed_hosts": ["plm.example"]}
    await house.restart()
    screen = await house.screen(restore=True)
    await house.accepted()
    assert (await screen.show_next())["orderId"] == "ORD-1001"
    assert len(screen.of("navigate")) == 1
