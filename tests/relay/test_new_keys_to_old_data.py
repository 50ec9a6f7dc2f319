"""`secrets.json` is gone while the data file is there: what goes on, what doesn't, and who is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from appliance.cli.checkup import look
from appliance.errors import Problem
from appliance.relay import secrets
from tests.conftest import MakeHouse
from tests.support.house import House

PASSWORD = "correct horse battery"


async def keys_check(house: House) -> Any:
    (found,) = [finding for finding in await look(house.data) if finding.name == "keys"]
    return found


async def test_without_the_file_people_stay_signed_in_and_screens_paired(make_house: MakeHouse) -> None:
    house = await make_house()
    assert (await keys_check(house)).state == "ok"
    await house.local("POST", "/api/setup", {"username": "kim", "password": PASSWORD})
    signed_in = await house.call("POST", "/api/auth/login", {"username": "kim", "password": PASSWORD})
    cookie = {"Cookie": signed_in.headers["Set-Cookie"].split(";")[0]}
    access = await house.pair("S-1")
    await house.local("POST", "/api/screens", {"screenId": "S-2"})
    provisioned = await house.local("POST", "/api/pairing/provision", {"screenIds": ["S-2"]})
    paired = provisioned.json["items"][0]

    await house.stop()
    house.data.secrets.unlink()
    gone = await keys_check(house)
    assert gone.state == "attention" and str(house.data.secrets) in gone.message["ko"]
    with capture_logs() as logged:
        await house.start()
    assert [entry["file"] for entry in logged if entry["event"] == "secrets.missing"] == [str(house.data.secrets)]

    anew = await keys_check(house)
    assert anew.state == "attention" and "vooster audit list" in anew.action["en"]
    for words in (gone.action, anew.action):
        assert "stay signed in, screens paired, API keys good" in words["en"].replace("\n", " ")
        assert "로그인, 모니터 등록, API 키는 그대로입니다" in words["ko"]
    assert (await house.call("GET", "/api/me", headers=cookie)).json["username"] == "kim"
    assert (await house.call("GET", "/api/me", bearer=house.key)).status == 200
    (await house.call("GET", "/api/me", bearer=access)).problem(401, "TOKEN_INVALID")
    refreshed = await house.call("POST", "/api/auth/refresh", {"refreshToken": paired["refreshToken"]})
    assert refreshed.status == 200, "a monitor comes back by itself"
    device = {"screenId": "S-2", "deviceSecret": paired["deviceSecret"]}
    assert (await house.call("POST", "/api/auth/device", device)).status == 200

    await house.restart()
    assert (await keys_check(house)).state == "attention", "the next start is no reason to be quiet"


async def test_who_deletes_a_damaged_one_is_told_the_same(tmp_path: Path) -> None:
    file = tmp_path / "secrets.json"
    file.write_text(json.dumps({"jwt": []}))
    with pytest.raises(Problem) as refused:
        secrets.load(file)
    told = refused.value.actions()
    assert "People stay signed in, screens paired, API keys good" in told["en"]
    assert "로그인, 모니터 등록, API 키는 그대로" in told["ko"]
