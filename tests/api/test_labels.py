"""Labels to print: what their QR codes say, and who gets them."""

from __future__ import annotations

import pytest

from appliance.api.labels import MAX_LABELS
from appliance.relay import qr
from tests.support.house import House


async def test_a_label_s_code_is_the_station_s_page_and_holds_no_secret(house: House) -> None:
    await house.pair("SCREEN-001")
    await house.local("POST", "/api/screens", {"screenId": "SCREEN-002"})
    key = await house.new_key("supervisor")
    asked = "/api/pairing/labels?screenId=SCREEN-002&screenId=SCREEN-001&screenId=SCREEN-002"
    answer = await house.call("GET", asked, bearer=key)
    assert answer.status == 200
    assert [item["screenId"] for item in answer.json["items"]] == ["SCREEN-002", "SCREEN-001"]
    assert house.url == f"http://{answer.json['address']}"
    for item in answer.json["items"]:
        assert item["url"] == f"{house.url}/pair?screenId={item['screenId']}"
        assert item["qr"]["svg"] == qr.svg(item["url"])


async def test_labels_are_for_supervisors_of_the_station(house: House) -> None:
    await house.local("POST", "/api/screens", {"screenId": "S-1", "groups": ["line-1"]})
    path = "/api/pairing/labels?screenId=S-1"
    assert (await house.call("GET", path)).status == 401
    for key in (await house.new_key("operator"), await house.new_key("supervisor", groups=["line-2"])):
        (await house.call("GET", path, bearer=key)).problem(403, "PERMISSION_DENIED")
    mine = await house.new_key("supervisor", groups=["line-1"])
    assert (await house.call("GET", path, bearer=mine)).status == 200


@pytest.mark.parametrize("count", [0, MAX_LABELS + 1])
async def test_a_call_draws_a_few(house: House, count: int) -> None:
    query = "&".join(f"screenId=S-{number}" for number in range(count))
    (await house.local("GET", f"/api/pairing/labels?{query}")).problem(400, "VALIDATION_ERROR")


async def test_a_label_of_no_station(house: House) -> None:
    (await house.local("GET", "/api/pairing/labels?screenId=S-9")).problem(404, "SCREEN_NOT_FOUND")
