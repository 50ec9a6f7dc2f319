"""What is said to whoever asks, without an upgrade, why its WebSocket was refused: browsers hide that answer."""

from __future__ import annotations

import pytest

from appliance.edge import lobby
from tests.support.house import House


async def test_a_crowd_before_the_websocket_can_be_asked_about(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    (await house.call("GET", "/ws")).problem(400, "VALIDATION_ERROR")
    with monkeypatch.context() as crowd:
        crowd.setattr(lobby, "MAX_WAITING", 0)
        (await house.call("GET", "/ws")).problem(429, "RATE_LIMITED")
        assert (await house.call("GET", "/.well-known/vooster")).status == 200
    (await house.call("GET", "/ws")).problem(400, "VALIDATION_ERROR")
