"""The examples of `web/clients`, run as they stand against an appliance."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from unittest.mock import patch

import pytest

from tests.clients.conftest import Start
from tests.clients.programs import paired
from tests.conftest import MakeHouse
from tests.support.answers import new_trigger
from tests.support.house import PDF, House, until
from tests.support.node import node

SCREENS = {
    "websocket": (node(), "websocket-screen.mjs"),
    "socketio": (node(), "socketio-screen.mjs"),
    "events": ("sh", "events-screen.sh"),
    "python": (sys.executable, "vooster_client.py", "screen"),
}
TRIGGERS = {
    "websocket": (node(), "websocket-trigger.mjs"),
    "socketio": (node(), "socketio-trigger.mjs"),
    "curl": ("sh", "trigger.sh"),
    "python": (sys.executable, "vooster_client.py", "trigger"),
}
screens = pytest.mark.parametrize("command", SCREENS.values(), ids=SCREENS.keys())
triggers = pytest.mark.parametrize("command", TRIGGERS.values(), ids=TRIGGERS.keys())


@screens
async def test_a_screen_that_was_off_fetches_a_token_shows_what_is_asked_for_and_comes_back_after_a_restart(
    house: House, start: Start, tmp_path: Path, command: tuple[str, ...]
) -> None:
    house.values["server"]["port"] = int(house.url.rpartition(":")[2])
    with patch.object(house.appliance.engine.auth._access, "seconds", -1):
        file = await paired(house, tmp_path / "pairing.json")
    screen = await start(*command, file)
    await screen.says("Connected to")
    first = await house.trigger(wait=5_000)
    assert first.json["result"] == "shown"
    assert (await screen.says("ORD-1001 on display 0: ")).endswith(f"{len(PDF)} bytes")
    await screen.says(f"{first.json['id']}: shown")

    await house.restart()
    await screen.says("Lost the connection")
    await screen.says("Connected to", times=2)
    second = await house.trigger("ORD-1002", wait=5_000)
    assert second.json["result"] == "shown"
    await screen.says("ORD-1002 on display 0: ")


@screens
async def test_a_screen_renews_its_token_and_says_what_fails(
    make_house: MakeHouse, start: Start, tmp_path: Path, command: tuple[str, ...]
) -> None:
    house = await make_house({"tokens": {"access_seconds": 61}})  # said to be ending a second after the welcome
    file = await paired(house, tmp_path / "pairing.json")
    before = json.loads(file.read_text("utf-8"))
    screen = await start(*command, file)
    await screen.says("Connected to")
    session = house.appliance.engine.sessions.of_screen("S-1")
    assert session is not None
    began = session.principal.expires_at
    await until(lambda: session.principal.expires_at != began)
    after = json.loads(file.read_text("utf-8"))
    assert after["accessToken"] != before["accessToken"] and after["refreshToken"] != before["refreshToken"]
    assert file.stat().st_mode & 0o077 == 0

    supervisor = await house.new_key("supervisor")
    gone = new_trigger(None, "S-1", url=f"{house.url}/documents/none.pdf", title="Gone")
    answer = await house.call("POST", "/api/trigger", gone, bearer=supervisor)
    delivery = await house.becomes(answer.json["id"], "pending")
    assert "DOCUMENT_LOAD_FAILED" in json.dumps(delivery["history"])

    assert (await house.local("POST", "/api/screens/S-1/revoke")).status < 300
    assert await screen.ends() == 1
    assert "pair it again" in screen.lines[-1]


@triggers
async def test_a_program_that_scans_hears_that_it_is_shown(
    house: House, start: Start, command: tuple[str, ...]
) -> None:
    screen = await house.screen()
    program = await start(*command, house.url, "S-1", "ORD-1001", VOOSTER_KEY=house.key)
    await screen.show_next()
    assert await program.ends() == 0
    assert program.lines[-1] == "ORD-1001: shown"


@triggers
async def test_a_program_that_scans_is_told_in_words_what_is_wrong(
    house: House, start: Start, command: tuple[str, ...]
) -> None:
    await house.pair("S-1")
    unknown = await start(*command, house.url, "S-1", "ORD-9999", VOOSTER_KEY=house.key)
    stranger = await start(*command, house.url, "S-1", "ORD-1001", VOOSTER_KEY="nothing of ours")
    assert (await unknown.ends(), await stranger.ends()) == (1, 1)
    assert unknown.lines[-1].startswith("ORD-9999: ORDER_NOT_FOUND: Order not found.")
    assert unknown.lines[-1].count("ORD-9999") == 2  # what to do names it
    assert any("This sign-in isn't valid." in line for line in stranger.lines)
