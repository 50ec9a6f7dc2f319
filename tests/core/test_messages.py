"""Messages as they stand on the wire: names, and which members are always there."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from appliance.core import messages as m


def sent(message: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(msgspec.json.encode(message))
    return found


def heard(message: dict[str, Any]) -> Any:
    return msgspec.json.decode(json.dumps(message), type=m.ClientMessage)


def test_a_navigation_has_every_member_of_the_contract() -> None:
    navigate = m.Navigate(
        id="t:S-1", trigger_id="t", order_id=None, url="http://x/", title="x", content_type="text/html",
        display_index=0, seq=1, round=1, attempt=1, accepted_at=1, expires_at=2,
    )  # fmt: skip
    assert set(sent(navigate)) == {
        "type", "id", "triggerId", "orderId", "url", "title", "contentType", "displayIndex", "seq", "round",
        "attempt", "acceptedAt", "expiresAt",
    }  # fmt: skip
    navigate.restored = True
    assert sent(navigate)["restored"] is True


def test_a_welcome_names_a_screen_only_where_there_is_one() -> None:
    welcome = m.Welcome(
        session_id="s", plant="p", role="operator", server_time=1, heartbeat_seconds=20, token_expires_at=None,
        epoch="e",
    )  # fmt: skip
    always = {"type", "sessionId", "plant", "role", "serverTime", "heartbeatSeconds", "tokenExpiresAt", "epoch"}
    assert set(sent(welcome)) == always
    welcome.screen_id, welcome.screen = "S-1", m.WelcomeScreen("Saw", [], 0)
    assert sent(welcome)["screen"] == {"name": "Saw", "groups": [], "displayIndex": 0}


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (m.Clear(), {"type": "clear"}),
        (m.Clear(display_index=0), {"type": "clear", "displayIndex": 0}),
        (m.Identify(label="Saw", seconds=10), {"type": "identify", "label": "Saw", "seconds": 10}),
        (m.Presence(screen_id="S-1", online=False), {"type": "presence", "screenId": "S-1", "online": False}),
        (m.ServerPing(t=1), {"type": "ping", "t": 1}),
        (m.Pong(t=None, server_time=1), {"type": "pong", "t": None, "serverTime": 1}),
        (m.Expiring(in_seconds=60), {"type": "auth:expiring", "inSeconds": 60}),
        (m.Renewed(token_expires_at=1), {"type": "auth:ok", "tokenExpiresAt": 1}),
        (m.Goodbye(reason="stopping", reconnect_after_ms=5), {
            "type": "goodbye", "reason": "stopping", "reconnectAfterMs": 5,
        }),
        (m.DeliveryUpdate(id="t:S-1", trigger_id="t", screen_id="S-1", state="shown", final=True), {
            "type": "delivery", "id": "t:S-1", "triggerId": "t", "screenId": "S-1", "state": "shown", "final": True,
        }),
        (m.TriggerResponse(id="t", data={"id": "t"}, success=True), {
            "type": "trigger:response", "id": "t", "success": True, "data": {"id": "t"},
        }),
    ],
)  # fmt: skip
def test_what_the_server_says(message: Any, expected: dict[str, Any]) -> None:
    assert sent(message) == expected


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ({"type": "hello", "token": "x"}, m.Hello),
        ({"type": "hello", "token": "x", "displays": None, "restore": True, "new": {"member": 1}}, m.Hello),
        ({"type": "ack", "id": "t:S", "status": "failed"}, m.Ack),
        ({"type": "ack", "id": "t:S", "status": "shown", "display": {"index": 0, "x": 1}, "windowId": "w"}, m.Ack),
        ({"type": "displays", "displays": []}, m.Displays),
        ({"type": "trigger", "id": "x", "timestamp": 1}, m.Trigger),
        ({"type": "subscribe", "topics": []}, m.Subscribe),
        ({"type": "status"}, m.StatusRequest),
        ({"type": "auth", "token": "x"}, m.Renew),
        ({"type": "ping", "t": 1}, m.Ping),
        ({"type": "pong", "t": 1}, m.ClientPong),
        ({"type": "pong"}, m.ClientPong),
    ],
)
def test_what_clients_say_with_members_nobody_knows_ignored(message: dict[str, Any], kind: type) -> None:
    assert type(heard(message)) is kind
