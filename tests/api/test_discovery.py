"""What the appliance tells of being found, in-process and without a network of its own."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.adapters.mdns import announcer
from appliance.adapters.mdns.cards import Card
from tests.conftest import MakeHouse
from tests.support.house import House, Values, until

LAN: Values = {"server": {"host": "0.0.0.0"}, "discovery": {"enabled": True}}


@pytest.fixture
def cards(monkeypatch: pytest.MonkeyPatch) -> list[Card]:
    """The network cards the appliance sees, as the test puts them."""
    found: list[Card] = []
    monkeypatch.setattr(announcer, "look", lambda _wanted: (list(found), frozenset[str]()))
    monkeypatch.setattr(announcer, "_POLL_SECONDS", 0.05)
    return found


async def discovery(house: House) -> Any:
    return (await house.call("GET", "/api/discovery", bearer=house.key)).json


async def test_turned_off_is_said(house: House) -> None:
    told = await discovery(house)
    assert (told["enabled"], told["host"], told["cards"]) == (False, None, [])
    assert "turned off" in told["messages"]["en"]
    assert (await house.call("GET", "/.well-known/vooster")).json["host"] is None
    assert "discovery" not in (await house.local("GET", "/api/health")).json["checks"]


async def test_no_card_degrades_health_with_its_reason_and_the_start_goes_on(
    make_house: MakeHouse, cards: list[Card]
) -> None:
    house = await make_house(LAN)
    await until(lambda: not house.appliance.status.discovery()["ok"])  # type: ignore[misc]
    health = (await house.local("GET", "/api/health")).json
    assert (health["status"], health["checks"]["discovery"]["status"]) == ("degraded", "degraded")
    assert health["checks"]["discovery"]["detail"] == "No network card with a LAN address."
    assert (await house.call("GET", "/api/health/ready")).status == 200
    told = await discovery(house)
    assert told["problem"]["code"] == "NO_CARD"
    assert told["messages"] == told["problem"]["messages"]
    assert told["problem"]["action"]["ko"]
    listened = (await house.call("POST", "/api/discovery/listen", bearer=house.key)).json
    assert listened["problem"]["code"] == "NO_CARD"


async def test_a_card_that_can_not_is_shown_with_its_reason(make_house: MakeHouse, cards: list[Card]) -> None:
    cards.append(Card("eth7", 7, ("192.0.2.7",), ("192.0.2.7",), multicast=False))
    house = await make_house(LAN)
    await until(lambda: not house.appliance.status.discovery()["ok"])  # type: ignore[misc]
    (card,) = (await discovery(house))["cards"]
    assert (card["name"], card["announced"], card["problem"]["code"]) == ("eth7", False, "NO_MULTICAST")


async def test_for_this_pc_alone_nothing_is_wrong(make_house: MakeHouse, cards: list[Card]) -> None:
    cards.append(Card("eth0", 2, ("192.0.2.7",), ()))
    house = await make_house({"discovery": {"enabled": True}})
    await until(lambda: "code" in house.appliance.status.discovery())  # type: ignore[misc]
    assert (await house.local("GET", "/api/health")).json["status"] == "ok"
    assert (await discovery(house))["problem"]["code"] == "THIS_PC_ONLY"


async def test_the_settled_name_alone_is_its_own_and_from_the_moment_it_is(
    make_house: MakeHouse, cards: list[Card]
) -> None:
    house = await make_house(LAN)

    async def asked_as(host: str) -> int:
        return (await house.call("GET", "/.well-known/vooster", headers={"Host": f"{host}:80"})).status

    assert await asked_as("vooster.local") == 421
    mdns = house.appliance._announcer
    assert mdns is not None
    for number, other in ((2, "vooster.local"), (3, "vooster-2.local")):
        mdns._number = number
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(announcer.Announcer, "host", property(lambda self: f"vooster-{self._number}.local"))
            mdns._changed()
            assert await asked_as(f"vooster-{number}.local") == 200
            assert await asked_as(other) == 421
            assert (await house.call("GET", "/.well-known/vooster")).json["host"] == f"vooster-{number}.local"


async def test_a_phone_gets_an_address_and_no_name(
    make_house: MakeHouse, cards: list[Card], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The best one now: it moves with the cards."""
    house = await make_house(LAN)
    for address in ("192.168.7.1", "10.1.2.3"):
        monkeypatch.setattr("appliance.app.best_address", lambda address=address: address)
        told = (await house.local("GET", "/api/discovery")).json
        assert told["phone"]["url"] == f"http://{address}:{house.appliance._port}"
        assert told["phone"]["qr"]["svg"].startswith("<svg")
