"""A session that sends more than anybody has to say is ended by name; scans are never what is too fast."""

from __future__ import annotations

import pytest

from appliance.relay import conversation
from tests.conftest import MakeHouse
from tests.support.answers import check_words
from tests.support.house import House, until


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth of what may be said otherwise, so that a busy machine is fast enough to be too fast."""
    monkeypatch.setattr(conversation, "MESSAGES_A_SECOND", conversation.MESSAGES_A_SECOND // 10)


@pytest.mark.usefixtures("slow")
async def test_a_flood_of_messages_is_closed_4429(house: House) -> None:
    screen = await house.screen()
    for t in range(4_000):
        await screen.send({"type": "ping", "t": t})
        if screen.close_code is not None:
            break
    assert await screen.closed() == 4429
    error = await screen.expect("error")
    assert error["code"] == "RATE_LIMITED"
    check_words(error)
    again = await house.screen()
    await again.send({"type": "status"})
    await again.expect("status")


@pytest.mark.usefixtures("slow")
async def test_a_flood_of_what_does_not_fit_is_closed_too(house: House) -> None:
    screen = await house.screen()
    for _ in range(4_000):
        await screen.send({"type": "nothing of the contract"})
        if screen.close_code is not None:
            break
    assert await screen.closed() == 4429


async def test_limits_can_be_turned_off(make_house: MakeHouse) -> None:
    house = await make_house({"limits": {"enabled": False}})
    screen = await house.screen()
    for t in range(3_000):
        await screen.send({"type": "ping", "t": t})
    await until(lambda: len(screen.of("pong")) == 3_000)
    assert screen.close_code is None
