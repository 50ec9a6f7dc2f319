"""The description of the messages: whole, and in step with what it is made from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, get_args

import pytest

from appliance.core import messages as m
from appliance.core.asyncapi import describe
from appliance.errors import CATALOGUE

DESCRIPTION = describe("1.2.3")


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        for name, value in part.items():
            if name == "$ref":
                yield value
            else:
                yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


def resolved(reference: str) -> Any:
    found: Any = DESCRIPTION
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return found


def names(wire: str, action: str) -> set[str]:
    """What goes one way on a wire, by itself or as a reply."""
    found = set()
    for key, operation in DESCRIPTION["operations"].items():
        if key.startswith(wire):
            own = operation["action"] == action
            for reference in operation["messages"] if own else operation.get("reply", {}).get("messages", ()):
                found.add(resolved(resolved(reference["$ref"])["$ref"])["name"])
    return found


def tags(union: Any) -> set[str]:
    return {kind.__struct_config__.tag for kind in get_args(union)}


def test_every_reference_leads_somewhere() -> None:
    found = list(references(DESCRIPTION))
    assert len(found) > 200
    for reference in found:
        assert resolved(reference), reference


def test_every_message_is_described_on_the_websocket() -> None:
    assert names("webSocket", "receive") == tags(m.ClientMessage)
    assert names("webSocket", "send") == tags(m.ServerMessage)


def test_the_same_messages_go_over_socket_io() -> None:
    assert names("socketIo", "receive") == tags(m.ClientMessage) - {"hello"} | {"connect", "navigate"}
    assert names("socketIo", "send") == tags(m.ServerMessage) | {"connect_error"}
    assert resolved("#/components/messages/NavigateRequest")["name"] == "navigate"


def test_the_same_messages_go_over_plain_http() -> None:
    assert names("eventStream", "send") == tags(m.ServerMessage)
    assert names("eventSend", "receive") == tags(m.ClientMessage) - {"hello", "pong"}
    assert names("eventAck", "receive") == {"ack"}
    assert names("eventTicket", "send") == {"ticket", "problem"}


def test_every_message_says_what_it_is_for() -> None:
    for name, message in DESCRIPTION["components"]["messages"].items():
        assert len(message["summary"]) > 10, name
        assert message["summary"] == resolved(message["payload"]["$ref"])["description"]


@pytest.mark.parametrize("name", ["NavigateEvent", "AckEvent", "Connect"])
def test_events_of_socket_io_have_no_type(name: str) -> None:
    schema = DESCRIPTION["components"]["schemas"][name]
    assert "type" not in schema["properties"] and "type" not in schema["required"]


def test_every_close_code_of_the_catalogue_says_whether_to_come_back() -> None:
    codes = {row["code"]: row for row in DESCRIPTION["channels"]["webSocket"]["x-close-codes"]}
    for code, row in CATALOGUE.items():
        if row.close_code is not None:
            assert code in codes[row.close_code]["errors"]
    again = {number: row["again"] for number, row in codes.items()}
    assert (again[4401], again[4403], again[4409]) == ("newCredential", "newCredential", "whenAsked")
    assert {again[number] for number in (1001, 1012, 4400, 4408, 4413, 4429, 4430)} == {"reconnect"}


def test_every_error_is_listed_with_its_words() -> None:
    errors = DESCRIPTION["x-errors"]
    assert errors.keys() == CATALOGUE.keys()
    assert errors["ORDER_NOT_FOUND"]["httpStatus"] == 404
    assert all(row["messages"]["ko"] and row["messages"]["en"] for row in errors.values())


def test_words_that_are_filled_in_later_say_with_what() -> None:
    errors = DESCRIPTION["x-errors"]
    texts = [text for row in errors.values() for part in ("messages", "action") for text in row[part].values()]
    assert not [text for text in texts if "–" in text]
    assert "{role}" in errors["PERMISSION_DENIED"]["action"]["en"]
    assert "{orderId}" in errors["ORDER_NOT_FOUND"]["action"]["en"]


def test_what_is_the_appliances_own_to_say_is_not_asked_of_clients() -> None:
    program = DESCRIPTION["components"]["schemas"]["Program"]
    assert program["properties"].keys() == {"name", "version"}
    assert "#/components/schemas/Program" in references(DESCRIPTION["components"]["schemas"]["Hello"])


def test_a_pong_of_socket_io_has_the_time_under_both_names() -> None:
    schemas = DESCRIPTION["components"]["schemas"]
    assert schemas["PongEvent"]["properties"].keys() == {"t", "timestamp", "serverTime"}
    assert schemas["Pong"]["properties"].keys() == {"type", "t", "serverTime"}


@pytest.mark.parametrize("name", ["ErrorMessage", "TriggerError", "Problem"])
def test_a_refusal_may_name_the_members_that_do_not_fit(name: str) -> None:
    assert "errors" in DESCRIPTION["components"]["schemas"][name]["properties"]


def test_it_is_json_and_the_same_each_time() -> None:
    assert json.dumps(describe("1.2.3")) == json.dumps(DESCRIPTION)
    assert DESCRIPTION["info"]["version"] == "1.2.3"
