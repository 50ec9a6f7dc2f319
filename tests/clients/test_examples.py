"""The examples of `web/clients`, run as they stand against an appliance."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from unittest.mock import patch

import pytest
from aiohttp import web

from appliance.core.messages import Goodbye
from tests.clients.conftest import Start
from tests.clients.programs import paired
from tests.conftest import MakeHouse
from tests.support.answers import new_trigger
from tests.support.house import PDF, House, until
from tests.support.node import node
from tests.support.process import free_port

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
    with house.an_hour_ago():
        file = await paired(house, tmp_path / "pairing.json")
    screen = await start(*command, file)
    await screen.says("Connected to")
    first = await house.trigger(wait=5_000)
    assert first.json["result"] == "shown"
    assert (await screen.says("ORD-1001 on display 0: ")).endswith(f"{len(PDF)} bytes")
    await screen.says(f"{first.json['id']}: shown")

    assert (await house.trigger("ORD-9999")).status == 404
    await screen.says("ORDER_NOT_FOUND: Order not found.")
    await screen.says("The document is put away")
    assert (await house.local("POST", "/api/screens/S-1/clear")).status < 300
    await screen.says("The document is put away", times=2)

    said = []

    def goodbye(reason: str, **_its_own: int) -> Goodbye:
        said.append(time.monotonic())
        return Goodbye(reason=reason, reconnect_after_ms=1_200)

    with patch("appliance.relay.sessions.Goodbye", goodbye):
        await house.restart()
    await screen.says("Lost the connection")
    await screen.says("Connected to", times=2)
    assert time.monotonic() - said[0] > 1.15
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


@screens
async def test_a_screen_whose_place_is_taken_says_so_and_stays_away(
    house: House, start: Start, tmp_path: Path, command: tuple[str, ...]
) -> None:
    file = await paired(house, tmp_path / "pairing.json")
    screen = await start(*command, file)
    await screen.says("Connected to")
    other = await house.wire()
    await other.hello(json.loads(file.read_text("utf-8"))["accessToken"])
    assert await screen.ends() == 1
    assert any("took" in line or "SESSION_REPLACED" in line for line in screen.lines)
    assert not any("Trying again" in line for line in screen.lines)


@pytest.fixture
async def slow() -> AsyncIterator[str]:
    """The address of a document that takes for ever."""

    async def answer(_request: web.Request) -> web.Response:
        await asyncio.sleep(60)
        return web.Response()

    app = web.Application()
    app.router.add_get("/slow.pdf", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield f"http://127.0.0.1:{port}/slow.pdf"
    await runner.cleanup()


@pytest.mark.parametrize("wire", ["websocket", "socketio", "python"])
async def test_a_slow_document_costs_neither_the_session_nor_the_newer_one(
    make_house: MakeHouse, start: Start, tmp_path: Path, slow: str, wire: str
) -> None:
    house = await make_house({"heartbeat": {"interval_seconds": 0.2, "timeout_seconds": 1.3}})
    screen = await start(*SCREENS[wire], await paired(house, tmp_path / "pairing.json"))
    await screen.says("Connected to")
    session = house.appliance.engine.sessions.of_screen("S-1")
    supervisor = await house.new_key("supervisor")
    first = new_trigger(None, "S-1", url=slow, title="Slow")
    assert (await house.call("POST", "/api/trigger", first, bearer=supervisor)).status == 202
    await asyncio.sleep(2)  # one that answered no heartbeat would be gone
    assert house.appliance.engine.sessions.of_screen("S-1") is session
    assert (await house.trigger("ORD-1001", wait=5_000)).json["result"] == "shown"
    assert not any("Slow" in line for line in screen.lines)


async def test_a_session_that_is_idle_from_the_start_is_kept(examples: Path, start: Start) -> None:
    silence = await start(node(), "--no-warnings", Path(__file__).with_name("silence.mjs"), examples / "connection.mjs")
    assert await silence.ends() == 0, silence.lines
    assert silence.lines == ["after 29 s: open", "after a ping and 29 s: open", "after 30 s: closed"]


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
async def test_a_program_that_scans_ends_with_words_where_the_document_is_not_on_the_monitor(
    house: House, start: Start, command: tuple[str, ...]
) -> None:
    screen = await house.screen("S-1")
    await house.pair("S-2")  # and is never on
    overtaken = await start(*command, house.url, "S-1", "ORD-1001", VOOSTER_KEY=house.key)
    waiting = await start(*command, house.url, "S-2", "ORD-1001", VOOSTER_KEY=house.key, VOOSTER_WAIT_MS="1000")
    navigate = await screen.expect("navigate")
    if "websocket-trigger.mjs" in command:  # asks for one after the other, so that nothing overtakes it
        said = "ORD-1001: dead, CANCELLED: "
        path = f"/api/triggers/{navigate['triggerId']}/cancel"
        assert (await house.call("POST", path, bearer=house.key)).status == 200
    else:
        said = "ORD-1001: superseded"
        await house.accepted("ORD-1002")
    assert (await overtaken.ends(), await waiting.ends()) == (1, 1)
    assert overtaken.lines[-1].startswith(said)
    assert waiting.lines[-1].startswith("ORD-1001: accepted, but not on the monitor")


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
