"""`vooster audit`: the record on the command line, with no appliance running."""

from __future__ import annotations

import asyncio
import csv
import json
from pathlib import Path

from tests.support.process import vooster


async def test_the_record_is_listed_and_exported(tmp_path: Path) -> None:
    data, file = str(tmp_path / "data"), tmp_path / "audit.csv"

    async def run(*arguments: str) -> str:
        done = await asyncio.to_thread(vooster, *arguments, "--data-dir", data)
        assert done.returncode == 0, done.stderr
        return done.stdout

    await run("screens", "add", "S-1")
    await run("screens", "add", "S-2")
    lines = (await run("audit", "list")).splitlines()
    assert ["S-2" in lines[0], "S-1" in lines[1], "screen.add" in lines[0], "local:" in lines[0]] == [True] * 4
    (only,) = json.loads(await run("audit", "list", "--json", "--screen", "S-1", "--action", "screen.*"))
    assert (only["number"], only["target"], only["from"]) == (1, "S-1", None)
    await run("audit", "export", "--output", str(file), "--action", "screen.*")
    with file.open(encoding="utf-8-sig", newline="") as opened:
        assert [row["target"] for row in csv.DictReader(opened)] == ["S-2", "S-1"]
    exported = [json.loads(line) for line in (await run("audit", "export", "--format", "jsonl")).splitlines()]
    assert [item["action"] for item in exported][-2:] == ["screen.add", "screen.add"]
    checks = json.loads((await asyncio.to_thread(vooster, "doctor", "--json", "--data-dir", data)).stdout)["checks"]
    assert next(check for check in checks if check["name"] == "audit")["state"] == "ok"
