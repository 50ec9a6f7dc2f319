"""What the appliance hands out for the extension: the zip, and the files that IT lays on its PCs."""

from __future__ import annotations

import io
import json
import plistlib
import zipfile
from pathlib import Path

import aiohttp
import pytest

from appliance.api import extension
from appliance.core.managed import EXTENSION_ID
from appliance.paths import package_data
from tests.support.house import House

EXTENSION = Path(str(package_data("static"))) / "extension"
ZIP = "/extension/vooster-extension.zip"
built = pytest.mark.skipif(not EXTENSION.joinpath("manifest.json").is_file(), reason="web/ is not built")


async def body(house: House, path: str, **headers: str) -> tuple[aiohttp.ClientResponse, bytes]:
    async with aiohttp.ClientSession() as http, http.get(house.url + path, headers=headers) as answer:
        return answer, await answer.read()


@built
async def test_the_zip_is_the_extension_with_instructions_in_both_languages(house: House) -> None:
    answer, content = await body(house, ZIP)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/zip")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="vooster-extension.zip"'
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        held = {name: archive.read(name) for name in archive.namelist()}
    text = held.pop("README.txt").decode("utf-8-sig")
    assert "Load unpacked" in text and "개발자 모드" in text and "\r\n" in text
    built = {path.relative_to(EXTENSION).as_posix(): path.read_bytes() for path in EXTENSION.rglob("*")
             if path.is_file()}  # fmt: skip
    assert held == built


@built
async def test_the_zip_is_the_same_each_time_it_is_made_and_is_sent_once(house: House) -> None:
    answer, content = await body(house, ZIP)
    tag = answer.headers["ETag"]
    assert answer.headers["Cache-Control"] == "no-cache"
    extension._zipped.cache_clear()
    again, same = await body(house, ZIP)
    assert (again.headers["ETag"], same) == (tag, content)
    for known in (tag, f'"other", {tag}', "*"):
        unchanged, nothing = await body(house, ZIP, **{"If-None-Match": known})
        assert (unchanged.status, nothing, unchanged.headers["ETag"]) == (304, b"", tag), known
    changed, whole = await body(house, ZIP, **{"If-None-Match": '"another"'})
    assert (changed.status, whole) == (200, content)


async def test_policies_name_this_appliance_and_hold_no_secret(house: House) -> None:
    instance_id = (await house.call("GET", "/.well-known/vooster")).json["instanceId"]
    answer, content = await body(house, "/extension/policy.json")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="vooster.json"'
    assert json.loads(content) == {
        "3rdparty": {"extensions": {EXTENSION_ID: {"address": house.url, "instanceId": instance_id}}},
        "LocalNetworkAccessAllowedForUrls": [house.url],
        "TranslateEnabled": False,
        "PasswordManagerEnabled": False,
    }
    answer, content = await body(house, "/extension/policy.reg")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="vooster.reg"'
    assert content.startswith(b"\xff\xfe")
    lines = content.decode("utf-16").split("\r\n")
    assert lines[0] == "Windows Registry Editor Version 5.00"
    for browser in (r"Google\Chrome", r"Microsoft\Edge"):
        key = rf"[HKEY_LOCAL_MACHINE\Software\Policies\{browser}"
        at = lines.index(rf"{key}\3rdparty\extensions\{EXTENSION_ID}\policy]")
        assert lines[at + 1 : at + 4] == [f'"address"="{house.url}"', f'"instanceId"="{instance_id}"', ""]
        at = lines.index(rf"{key}\LocalNetworkAccessAllowedForUrls]")
        assert lines[at + 1] == f'"8480"="{house.url}"'
    answer, content = await body(house, "/extension/policy.mobileconfig")
    assert answer.headers["Content-Type"] == "application/x-apple-aspen-config"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="vooster.mobileconfig"'
    (told, _) = (part for part in plistlib.loads(content)["PayloadContent"] if "address" in part)
    assert (told["address"], told["instanceId"], "deviceSecret" in told) == (house.url, instance_id, False)


async def test_policies_name_the_address_that_other_pcs_reach(tmp_path: Path) -> None:
    """Whoever downloads them at the server's own PC came by an address that no other PC can use."""
    house = House(tmp_path, {"server": {"public_url": "http://192.0.2.9:8480"}})
    await house.start()
    house.url = f"http://127.0.0.1:{house.appliance._port}"
    try:
        _, content = await body(house, "/extension/policy.json")
    finally:
        await house.stop()
    (held,) = json.loads(content)["3rdparty"]["extensions"].values()
    assert held["address"] == "http://192.0.2.9:8480"


@pytest.mark.parametrize("path", [ZIP, *(f"/extension/policy.{form}" for form in ("json", "reg", "mobileconfig"))])
async def test_they_are_for_everyone_and_change_nothing(house: House, path: str) -> None:
    assert (await body(house, path))[0].status == 200
    (await house.call("POST", path)).problem(405, "METHOD_NOT_ALLOWED")
