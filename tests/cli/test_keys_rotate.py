"""`vooster keys rotate`: for when somebody may have seen the file with the keys."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

from tests.support.process import Served, vooster


def keys(data: Path) -> dict[str, Any]:
    file = data / "secrets.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    found: dict[str, Any] = json.loads(file.read_text())
    return found


async def test_new_keys_while_it_runs_and_while_it_does_not(tmp_path: Path) -> None:
    house = Served(tmp_path)
    try:
        await house.start()
        token = await house.pair("S-1")
        wire = await house.screen(token)
        before = keys(house.data)
        done = vooster("keys", "rotate", "--data-dir", str(house.data))
        assert done.returncode == 0, done.stderr
        after = keys(house.data)
        assert done.stdout.strip() == after["jwt"][0]["kid"] != before["jwt"][0]["kid"]
        assert "Screens come back by themselves." in done.stderr
        assert not {before[use] for use in ("documents", "cookies", "successors")} & set(map(str, after.values()))
        assert await wire.closed() == 4401
        assert (await house.call("GET", "/api/me", bearer=token)).json["code"] == "TOKEN_INVALID"
        assert await house.stop() == 0
        again = vooster("keys", "rotate", "--data-dir", str(house.data))
        assert again.returncode == 0, again.stderr
        assert keys(house.data)["jwt"][0]["kid"] == again.stdout.strip() != done.stdout.strip()
    finally:
        await house.close()
