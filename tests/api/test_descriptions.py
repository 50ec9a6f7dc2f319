"""The description of the messages as anyone can fetch it, held to the standard's own schema."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import jsonschema_rs
import pytest

from appliance import __version__
from tests.conftest import MakeHouse
from tests.support.house import House
from tests.support.node import installed


async def fetched(house: House) -> dict[str, Any]:
    found: dict[str, Any] = (await house.call("GET", "/api/asyncapi.json")).json
    return found


def standard() -> Any:
    """AsyncAPI's own schema of a description."""
    file = installed() / "node_modules" / "@asyncapi" / "specs" / "schemas" / "3.0.0.json"
    return jsonschema_rs.validator_for(json.loads(file.read_text("utf-8")))


async def test_anyone_may_read_it(house: House) -> None:
    answer = await house.call("GET", "/api/asyncapi.json")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    assert (answer.json["asyncapi"], answer.json["info"]["version"]) == ("3.0.0", __version__)
    well_known = (await house.call("GET", "/.well-known/vooster")).json
    assert well_known["urls"]["asyncapi"] == f"{house.url}/api/asyncapi.json"


async def test_pages_of_allowed_sites_may_read_it(make_house: MakeHouse) -> None:
    house = await make_house({"server": {"allowed_origins": ["http://mes.example"]}})
    answer = await house.call("GET", "/api/asyncapi.json", headers={"Origin": "http://mes.example"})
    assert answer.headers["Access-Control-Allow-Origin"] == "http://mes.example"
    answer = await house.call("GET", "/api/asyncapi.json", headers={"Origin": "http://other.example"})
    assert "Access-Control-Allow-Origin" not in answer.headers


async def test_it_is_what_the_standard_asks_for(house: House) -> None:
    description = await fetched(house)
    errors = list(standard().iter_errors(description))
    assert not errors, errors[0].message


@pytest.mark.parametrize(
    "spoil",
    [
        lambda description: description.pop("info"),
        lambda description: description["operations"]["webSocketReceiveAck"].update(action="publish"),
        lambda description: description["channels"]["webSocket"].update(url="/ws"),
    ],
)
async def test_the_standard_would_notice(house: House, spoil: Callable[[dict[str, Any]], Any]) -> None:
    description = await fetched(house)
    spoil(description)
    assert list(standard().iter_errors(description))


async def test_an_operation_takes_its_messages_from_its_channel(house: House) -> None:
    description = await fetched(house)
    for name, operation in description["operations"].items():
        reply = operation.get("reply", {"channel": operation["channel"], "messages": []})
        for part in (operation, reply):
            channel = part["channel"]["$ref"]
            for message in part["messages"]:
                assert message["$ref"].startswith(f"{channel}/messages/"), name
