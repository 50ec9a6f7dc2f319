"""A sender whose connection was cut and recovered still hears how its triggers end."""

from __future__ import annotations

from tests.support.answers import new_trigger
from tests.support.house import House, until
from tests.transports.socketio.conftest import MakePeer


async def test_what_was_sent_before_the_cut_is_told_after_it(house: House, peer: MakePeer) -> None:
    await house.pair("S-1")
    cut = await peer(house)
    welcome = await cut.connect(house.key)
    trigger = new_trigger("ORD-1001", "S-1")
    assert (await cut.call("trigger", trigger))["success"] is True
    await cut.vanish()
    await until(lambda: len(house.appliance.engine.sessions) == 0)
    assert cut.connected is not None
    back = await peer(house)
    assert (await back.connect(house.key, pid=cut.connected["pid"]))["sessionId"] == welcome["sessionId"]
    await (await house.screen()).show_next()
    told = (await back.expect("delivery"))[1]
    assert (told["triggerId"], told["state"]) == (trigger["id"], "shown")
