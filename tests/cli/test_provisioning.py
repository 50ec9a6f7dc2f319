"""A policy file a screen: what IT lays on each PC, and what becomes of the keys in them."""

from __future__ import annotations

import asyncio
import json
import plistlib
import stat
from pathlib import Path
from typing import Any

from appliance.core.managed import EXTENSION_ID
from tests.support.process import Served, vooster


async def run(*arguments: str, **env: str) -> Any:
    return await asyncio.to_thread(lambda: vooster(*arguments, **env))


def held(file: Path) -> dict[str, str]:
    policy: dict[str, str] = json.loads(file.read_bytes())["3rdparty"]["extensions"][EXTENSION_ID]
    return policy


async def test_each_pc_gets_a_file_whose_key_makes_it_its_screen(tmp_path: Path) -> None:
    served = Served(tmp_path)
    folder = tmp_path / "laid out" / "policies"
    options = ("--policy", str(folder), "--form", "json", "--data-dir", str(served.data))
    try:
        await served.start()
        made = await run("screens", "provision", "SCREEN-001", "CON", *options)
        assert made.returncode == 0, made.stderr
        files = [folder / "vooster-SCREEN-001.json", folder / "vooster-CON.json"]
        assert made.stdout.splitlines() == [str(file) for file in files]
        assert sorted(folder.iterdir()) == sorted(files)
        assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o600, 0o600]
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert "Each holds its screen's key" in made.stderr
        known = (await served.call("GET", "/.well-known/vooster")).json
        policy = held(files[0])
        assert (policy["screenId"], policy["instanceId"]) == ("SCREEN-001", known["instanceId"])
        assert policy["address"].endswith(f":{served.port}")
        told = made.stdout + made.stderr + served.log.read_text("utf-8")
        assert all(held(file)["deviceSecret"] not in told for file in files)
        body = {"screenId": "SCREEN-001", "deviceSecret": policy["deviceSecret"]}
        paired = await served.call("POST", "/api/auth/device", body)
        assert (paired.status, paired.json["screenId"]) == (200, "SCREEN-001")
    finally:
        await served.close()


async def test_the_registry_s_form_is_what_windows_gets_unasked(tmp_path: Path) -> None:
    folder = tmp_path / "policies"
    made = await run(
        "screens",
        "provision",
        "S-1",
        "--policy",
        str(folder),
        "--data-dir",
        str(tmp_path / "data"),
        LC_ALL="ko_KR.UTF-8",
    )
    assert made.returncode == 0, made.stderr
    text = (folder / "vooster-S-1.reg").read_text("utf-16")
    assert '"screenId"="S-1"' in text and '"deviceSecret"="' in text
    assert "열쇠가 들어 있습니다" in made.stderr


async def test_a_mac_gets_a_profile(tmp_path: Path) -> None:
    folder = tmp_path / "policies"
    options = ("--policy", str(folder), "--form", "mobileconfig", "--data-dir", str(tmp_path / "data"))
    made = await run("screens", "provision", "S-1", *options)
    assert made.returncode == 0, made.stderr
    parts = plistlib.loads((folder / "vooster-S-1.mobileconfig").read_bytes())["PayloadContent"]
    assert [part["screenId"] for part in parts if "deviceSecret" in part] == ["S-1", "S-1"]
    assert "System Settings" in made.stderr


async def test_a_file_from_before_is_replaced_and_was_never_readable_by_others(tmp_path: Path) -> None:
    folder = tmp_path / "policies"
    folder.mkdir()
    file = folder / "vooster-S-1.json"
    file.write_text("old")
    file.chmod(0o644)
    options = ("--policy", str(folder), "--form", "json", "--data-dir", str(tmp_path / "data"))
    made = await run("screens", "provision", "S-1", *options)
    assert made.returncode == 0, made.stderr
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    first = held(file)["deviceSecret"]
    assert (await run("screens", "provision", "S-1", *options)).returncode == 0
    assert held(file)["deviceSecret"] != first
    assert list(folder.iterdir()) == [file]


async def test_a_file_that_can_not_take_its_place_leaves_no_secret_beside_it(tmp_path: Path) -> None:
    folder = tmp_path / "policies"
    there = folder / "vooster-S-1.json"
    (there / "sub").mkdir(parents=True)
    made = await run(
        "screens", "provision", "S-1", "--policy", str(folder), "--form", "json", "--data-dir", str(tmp_path / "data")
    )
    assert (made.returncode, made.stdout) == (1, "")
    assert "VALIDATION_ERROR" in made.stderr and "provision S-1 again" in made.stderr
    assert list(folder.iterdir()) == [there]


async def test_where_files_can_not_be_kept_no_key_is_made(tmp_path: Path) -> None:
    data = ("--data-dir", str(tmp_path / "data"))
    (tmp_path / "file").write_text("")
    under = str(tmp_path / "file" / "policies")
    for ids, folder, reason in (
        (("S-1", "s-1"), str(tmp_path / "policies"), "would be one file"),
        (("S-1",), under, "can't be made"),
    ):
        refused = await run("screens", "provision", *ids, "--policy", folder, *data)
        assert (refused.returncode, refused.stdout) == (1, ""), folder
        assert "VALIDATION_ERROR" in refused.stderr and reason in refused.stderr
        assert "Traceback" not in refused.stderr
    assert not (tmp_path / "data").exists()
    odd = await run("screens", "provision", "S-1", "--policy", str(tmp_path), "--form", "plist", *data)
    assert odd.returncode == 2
