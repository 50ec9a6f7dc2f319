"""The files that IT lays on PCs for the extension, as the programs there read them."""

from __future__ import annotations

import json
from pathlib import Path

from appliance.core.managed import EXTENSION_ID, Managed, as_json, as_registry

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
    for written in (as_json(alike).decode(), as_registry(alike).decode("utf-16")):
        assert "screenId" not in written and "deviceSecret" not in written


def test_no_value_ends_its_line_in_the_registry_file() -> None:
    odd = Managed('http://x/"]\\', "0c1d-uuid")
    lines = as_registry(odd).decode("utf-16").split("\r\n")
    assert '"address"="http://x/\\"]\\\\"' in lines
    assert all(not line or line.startswith(("Windows", "[HKEY", '"')) for line in lines)
