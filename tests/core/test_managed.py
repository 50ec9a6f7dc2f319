"""The files that IT lays on PCs for the extension, as the programs there read them."""

from __future__ import annotations

import json
import plistlib
import uuid
from pathlib import Path

from appliance.core.managed import EXTENSION_ID, Managed, as_json, as_profile, as_registry

SCHEMA = Path(__file__).parents[2] / "web" / "extension" / "managed.json"
ALL = Managed("http://192.0.2.9:8480", "0c1d-uuid", "SCREEN-001", "a-key")


def test_what_is_set_is_what_the_extension_takes() -> None:
    held = json.loads(as_json(ALL))["3rdparty"]["extensions"][EXTENSION_ID]
    taken = json.loads(SCHEMA.read_text())["properties"]
    assert held == {
        "address": "http://192.0.2.9:8480",
        "instanceId": "0c1d-uuid",
        "screenId": "SCREEN-001",
        "deviceSecret": "a-key",
    }
    assert all(taken[name]["type"] == "string" for name in held)


def test_what_is_not_known_is_left_out() -> None:
    alike = Managed("http://192.0.2.9:8480", "0c1d-uuid")
    for written in (as_json(alike).decode(), as_registry(alike).decode("utf-16"), as_profile(alike).decode()):
        assert "screenId" not in written and "deviceSecret" not in written


def test_no_value_ends_its_line_in_the_registry_file() -> None:
    odd = Managed('http://x/"]\\', "0c1d-uuid")
    lines = as_registry(odd).decode("utf-16").split("\r\n")
    assert '"address"="http://x/\\"]\\\\"' in lines
    assert all(not line or line.startswith(("Windows", "[HKEY", '"')) for line in lines)


def test_nothing_of_the_browser_s_own_covers_a_work_order() -> None:
    """Nor does it ask before the extension speaks to the appliance."""
    held = json.loads(as_json(ALL))
    assert (held["TranslateEnabled"], held["PasswordManagerEnabled"]) == (False, False)
    lines = as_registry(ALL).decode("utf-16").split("\r\n")
    for browser in (r"Google\Chrome", r"Microsoft\Edge"):
        at = lines.index(rf"[HKEY_LOCAL_MACHINE\Software\Policies\{browser}]")
        assert lines[at + 1 : at + 4] == [
            '"TranslateEnabled"=dword:00000000',
            '"PasswordManagerEnabled"=dword:00000000',
            "",
        ]
    payloads = {part["PayloadType"]: part for part in plistlib.loads(as_profile(ALL))["PayloadContent"]}
    for browser in ("com.google.Chrome", "com.microsoft.Edge"):
        part = payloads[browser]
        assert (part["TranslateEnabled"], part["PasswordManagerEnabled"]) == (False, False)
        assert part["LocalNetworkAccessAllowedForUrls"] == ["http://192.0.2.9:8480"]


def test_a_mac_s_browsers_find_the_extension_s_part_under_its_own_name() -> None:
    profile = plistlib.loads(as_profile(ALL))
    assert (profile["PayloadType"], profile["PayloadScope"]) == ("Configuration", "System")
    payloads = {part["PayloadType"]: part for part in profile["PayloadContent"]}
    for browser in ("com.google.Chrome", "com.microsoft.Edge"):
        part = payloads[f"{browser}.extensions.{EXTENSION_ID}"]
        assert {name: value for name, value in part.items() if not name.startswith("Payload")} == {
            "address": "http://192.0.2.9:8480",
            "instanceId": "0c1d-uuid",
            "screenId": "SCREEN-001",
            "deviceSecret": "a-key",
        }


def test_each_part_of_a_profile_is_told_from_the_others_and_one_profile_takes_another_s_place() -> None:
    profile = plistlib.loads(as_profile(ALL))
    parts = [profile, *profile["PayloadContent"]]
    assert len({part["PayloadIdentifier"] for part in parts}) == len({part["PayloadUUID"] for part in parts}) == 5
    assert all(uuid.UUID(part["PayloadUUID"]) for part in parts)
    assert as_profile(ALL) == as_profile(ALL)
    other = plistlib.loads(as_profile(Managed("http://192.0.2.9:8480", "0c1d-uuid", "SCREEN-002", "another")))
    assert other["PayloadIdentifier"] == profile["PayloadIdentifier"]
    assert other["PayloadUUID"] != profile["PayloadUUID"]
