"""A session over server-sent events: the same life of a delivery, with the client's words as POSTs."""

from __future__ import annotations

from tests.support.house import House, until
from tests.transports.eventstream import screen


async def test_a_document_is_sent_acked_by_post_and_shown(house: House) -> None:
    stream = await screen(house)
    welcome = stream.of("welcome")[0]
    assert (welcome["screenId"], welcome["screen"]["name"], welcome["heartbeatSeconds"]) == ("S-1", "S-1", 20)
    trigger_id = await house.accepted()
    delivery = await stream.expect("navigate")
    assert (delivery["id"], stream.ids[-1]) == (f"{trigger_id}:S-1", f"{trigger_id}:S-1")
    assert delivery["url"].startswith(house.url + "/documents/")
    assert (await stream.ack(delivery, "received")).status == 204
    await house.becomes(trigger_id, "received")
    await stream.show(delivery)
    told = await stream.expect("delivery")
    assert (told["id"], told["state"], told["final"], stream.ids[-1]) == (delivery["id"], "shown", True, delivery["id"])
    shown = await house.delivery(trigger_id)
    assert shown["history"][-1]["state"] == "shown"
    assert (await house.local("GET", "/api/screens/S-1")).json["online"] is True
    assert (await house.local("GET", "/api/monitoring/dashboard")).json["totalConnections"] == 1
    await stream.close()
    await until(lambda: len(house.appliance.engine.sessions) == 0)
