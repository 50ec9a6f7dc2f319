"""Socket.IO's official JavaScript clients when something ends: appliance, connection, token or session."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from unittest.mock import patch

from tests.clients.conftest import MakeClients
from tests.clients.official import Official, each
from tests.conftest import MakeHouse
from tests.support.answers import check_words
from tests.support.house import House, until
from tests.support.process import Served

SHOWS = {"capabilities": ["shown"]}


async def test_each_comes_back_after_the_appliance_was_killed(tmp_path: Path, clients: MakeClients) -> None:
    served = Served(tmp_path)
    (served.orders / "ORD-1001.pdf").write_bytes(b"%PDF-1.4\n%%EOF\n")
    try:
        await served.start()
        key = await served.new_key()

        async def before(client: Official, screen_id: str) -> None:
            await client.connect(served.url, await served.pair(screen_id), **SHOWS)
            await served.trigger(key, screenId=screen_id)
            await client.expect("navigate")  # held, and never answered

        async def after(client: Official, screen_id: str) -> None:
            await client.expect("disconnect")
            assert (await client.expect("welcome"))["screenId"] == screen_id
            delivery = await client.navigate()
            client.shown(delivery)
            assert (await client.expect("delivery"))["state"] == "shown"

        mine = clients()
        await each(mine, before)
        await served.kill()
        await served.start()
        await each(mine, after)
    finally:
        await served.close()


async def test_each_comes_back_after_a_planned_restart(house: House, clients: MakeClients) -> None:
    house.values["server"]["port"] = int(house.url.rpartition(":")[2])
    mine = clients()

    async def before(client: Official, screen_id: str) -> None:
        await client.connect(house.url, await house.pair(screen_id), **SHOWS)

    async def after(client: Official, screen_id: str) -> None:
        assert (await client.expect("goodbye"))["reason"] == "stopping"
        assert await client.expect("disconnect") in {"transport close", "transport error"}
        assert (await client.expect("welcome"))["screenId"] == screen_id

    await each(mine, before)
    await house.restart()
    await each(mine, after)


async def test_a_cut_connection_is_recovered_and_what_was_unanswered_comes_again(
    house: House, clients: MakeClients
) -> None:
    async def play(client: Official, screen_id: str) -> None:
        welcome = await client.connect(house.url, await house.pair(screen_id), **SHOWS)
        first = await client.expect("connect")
        trigger_id = await house.accepted("ORD-1001", screen_id)
        await client.expect("navigate")
        client.cut()
        await client.expect("disconnect")
        second = await client.expect("connect")
        again = await client.expect("welcome")
        assert (again["screenId"], again["epoch"]) == (screen_id, welcome["epoch"])
        if client.version == 4:
            assert second == {"sid": first["sid"], "recovered": True}
        delivery = await client.navigate()
        assert (delivery["triggerId"], delivery["round"]) == (trigger_id, 1)
        client.shown(delivery)
        await house.becomes(trigger_id, "shown")
        assert len([n for n in client.of("navigate") if n["triggerId"] == trigger_id]) == 2

    await each(clients(), play)


async def test_a_watcher_that_recovers_goes_on_watching(house: House, clients: MakeClients) -> None:
    viewer = await house.new_key("viewer")
    mine = [client for client in clients() if client.version == 4]

    async def play(client: Official, screen_id: str) -> None:
        await client.connect(house.url, viewer)
        await client.call("subscribe", {"topics": [f"screen:{screen_id}"]})
        client.cut()
        await client.expect("connect", lambda told: told["recovered"])
        await client.expect("welcome")
        screen = await house.screen(screen_id)
        trigger_id = await house.accepted("ORD-1001", screen_id)
        await screen.show_next()
        assert (await client.expect("delivery", lambda told: told["final"]))["triggerId"] == trigger_id

    await each(mine, play)


async def test_a_token_that_ends_is_announced_and_may_be_renewed(house: House, clients: MakeClients) -> None:
    with (
        patch("appliance.relay.sessions.WARN_BEFORE_SECONDS", 3.0),
        patch("appliance.relay.sessions.GRACE_SECONDS", 1.0),
    ):

        async def play(client: Official, screen_id: str) -> None:
            short = await shortlived(house, screen_id)
            await client.connect(house.url, short)
            assert (await client.expect("auth:expiring"))["inSeconds"] <= 3
            if client.transports == ["websocket"]:
                renewed = await client.call("auth", {"token": await house.pair(f"{screen_id}")})
                assert renewed["tokenExpiresAt"] > 0
                assert (await client.call("status"))["online"] is True
                return
            error = await client.expect("error")
            assert error["code"] == "TOKEN_EXPIRED"
            check_words(error)
            assert await client.expect("disconnect") == "io server disconnect"
            assert (await client.state())["active"] is False

        await each(clients(), play)


async def shortlived(house: House, screen_id: str) -> str:
    """An access token of that screen that ends in three seconds: long enough to connect by, on a busy machine too."""
    await house.pair(screen_id)
    session = json.loads(base64.urlsafe_b64decode(house.tokens[screen_id].split(".")[1] + "=="))
    access = house.appliance.engine.auth._access
    with patch.object(access, "seconds", 3):
        return access.make("screen", screen_id, session["sid"])


async def test_who_is_revoked_or_replaced_is_told_and_stays_away(house: House, clients: MakeClients) -> None:
    async def play(client: Official, screen_id: str) -> None:
        token = await house.pair(screen_id)
        await client.connect(house.url, token)
        if client.version == 3:
            await house.local("POST", f"/api/screens/{screen_id}/revoke")
            expected = "TOKEN_INVALID"
        else:
            await house.screen(screen_id)
            expected = "SESSION_REPLACED"
        assert (await client.expect("error"))["code"] == expected
        assert await client.expect("disconnect") == "io server disconnect"
        assert (await client.state())["active"] is False

    await each(clients(), play)


async def test_a_session_that_is_closed_by_its_client_is_gone(house: House, clients: MakeClients) -> None:
    async def play(client: Official, screen_id: str) -> None:
        await client.connect(house.url, await house.pair(screen_id))
        client.close()
        await until(lambda: house.appliance.engine.sessions.of_screen(screen_id) is None)

    await each(clients(), play)


async def test_an_idle_client_stays_connected(make_house: MakeHouse, clients: MakeClients) -> None:
    house = await make_house({"heartbeat": {"interval_seconds": 1, "timeout_seconds": 1}})

    async def play(client: Official, screen_id: str) -> None:
        await client.connect(house.url, await house.pair(screen_id))
        for _ in range(3):
            assert (await client.expect("ping"))["t"] > 0  # an event; the client's own answer below it is enough
        assert client.of("disconnect") == []
        assert (await client.call("status"))["online"] is True

    await each(clients(), play)
