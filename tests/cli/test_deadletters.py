"""`vooster dead-letters`, with and without an appliance running."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import sqlite3
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer

from appliance.cli.times import milliseconds
from tests.support.answers import new_trigger
from tests.support.process import Served, vooster


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    served = Served(tmp_path)
    (served.orders / "ORD-1001.txt").write_text("one")
    served.data.mkdir()
    (served.data / "vooster.toml").write_text(f"[orders]\nfolder = '{served.orders}'\n")
    try:
        yield await served.start()
    finally:
        await served.close()


async def dead(served: Served, *screens: str) -> list[str]:
    """One undelivered scan a screen, in this order."""
    key = await served.new_key("erp")
    ids = []
    for screen_id in screens:
        await served.pair(screen_id)
        body = new_trigger(screen_id=screen_id, ttlSeconds=1, mode="queue")
        assert (await served.call("POST", "/api/trigger", body, bearer=key)).status == 202
        ids.append(f"{body['id']}:{screen_id}")
    deadline = time.monotonic() + 10
    while len((await served.local("GET", "/api/dead-letters")).json["items"]) < len(ids):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    return ids


async def test_the_list_is_read_and_exported(served: Served, tmp_path: Path) -> None:
    ids = await dead(served, "S-1", "S-2")

    async def run(*arguments: str, **env: str) -> tuple[int, str, str]:
        found = await asyncio.to_thread(
            lambda: vooster("dead-letters", *arguments, "--data-dir", str(served.data), **env)
        )
        return found.returncode, found.stdout, found.stderr

    korean = {"LC_ALL": "ko_KR.UTF-8"}
    listed, as_json, filtered, none, one, shown, sheet, bad, missing = await asyncio.gather(
        run("list", **korean),
        run("list", "--json", "--since", "1h"),
        run("list", "--screen", "S-2", "--code", "SCREEN_OFFLINE", "--limit", "1"),
        run("list", "--until", "1d"),
        run("show", ids[0], "--json"),
        run("show", ids[0]),
        run("export"),
        run("list", "--code", "NONSENSE"),
        run("show", "nonsense"),
    )
    assert listed[0] == 0, listed[2]
    assert "모니터가 꺼져 있어 전하지 못했습니다." in listed[1]
    assert all(len(line) <= 80 for line in listed[1].splitlines())
    assert all(delivery_id in listed[1] for delivery_id in ids)
    assert {letter["deliveryId"] for letter in json.loads(as_json[1])} == set(ids)
    assert (ids[1] in filtered[1], ids[0] in filtered[1]) == (True, False)
    assert (none[:2], "Nothing is undelivered" in none[2]) == ((0, ""), True)
    assert json.loads(one[1])["history"][-1]["code"] == "SCREEN_OFFLINE"
    assert "The screen was off" in shown[1] and "dead" in shown[1]
    rows = list(csv.DictReader(io.StringIO(sheet[1].removeprefix("\ufeff"), newline="")))
    assert {row["deliveryId"] for row in rows} == set(ids)
    assert (bad[0], "VALIDATION_ERROR" in bad[2]) == (1, True)
    assert (missing[0], "NOT_FOUND" in missing[2]) == (1, True)
    file = tmp_path / "letters.jsonl"
    written, refused = await asyncio.gather(
        run("export", "--format", "jsonl", "-o", str(file)),
        run("export", "-o", str(tmp_path / "no" / "such" / "folder")),
    )
    assert (written[0], written[1]) == (0, "")
    assert [json.loads(line)["screenId"] for line in file.read_text("utf-8").splitlines()] in (
        ["S-1", "S-2"],
        ["S-2", "S-1"],
    )
    assert (refused[0], "Traceback" in refused[2]) == (1, False)


async def test_they_are_sent_again_and_discarded(served: Served) -> None:
    ids = await dead(served, "S-1", "S-2", "S-3")
    data = ("--data-dir", str(served.data))

    async def run(*arguments: str) -> tuple[int, str]:
        found = await asyncio.to_thread(lambda: vooster("dead-letters", *arguments, *data))
        return found.returncode, found.stderr

    for wrong in (("replay",), ("discard",), ("replay", ids[0], "--all"), ("discard", "--screen", "S-1")):
        assert (await run(*wrong))[0] == 2, wrong
    assert (await run("replay", "--since", "yesterday"))[0] == 2
    code, said = await run("replay", ids[0], "nonsense")
    assert (code, "Sent again: 1" in said, "NOT_FOUND: 1" in said) == (1, True, True)
    code, said = await run("discard", "--screen", "S-2", "--yes")
    assert (code, "Discarded: 1" in said) == (0, True)
    assert await served.stop() == 0
    code, said = await run("replay", "--all")  # with no appliance running
    assert (code, "Sent again" in said) == (0, True)
    with sqlite3.connect(served.data / "vooster.db") as connection:
        audited = connection.execute("SELECT actor, action FROM audit WHERE action LIKE 'dead-letter.%'").fetchall()
    assert {action for _, action in audited} == {"dead-letter.replay", "dead-letter.discard"}
    assert all(actor.startswith("local:") for actor, _ in audited)
    await served.start()
    assert ids[2] not in {
        letter["deliveryId"] for letter in (await served.local("GET", "/api/dead-letters")).json["items"]
    }


def test_times_as_people_type_them() -> None:
    now = time.time() * 1000
    assert milliseconds(None, "--since") is None
    assert milliseconds("1700000000000", "--since") == 1_700_000_000_000
    for text, back in (("90s", 90), ("30m", 1800), ("2h", 7200), ("1 d", 86_400)):
        found = milliseconds(text, "--since")
        assert found is not None and abs(now - back * 1000 - found) < 3_700_000 * (text == "1 d") + 5_000
    assert milliseconds("2026-05-31T14:00:00Z", "--since") == datetime(2026, 5, 31, 14, tzinfo=UTC).timestamp() * 1000
    assert milliseconds("2026-05-31T14:00+09:00", "--since") == datetime(2026, 5, 31, 5, tzinfo=UTC).timestamp() * 1000
    begin, end = milliseconds("2026-05-31", "--since"), milliseconds("2026-05-31", "--until", end_of_day=True)
    assert begin is not None and end is not None and end - begin == 86_400_000 - 1
    for nonsense in ("yesterday", "", "2h ago", "31.5.2026", "1969-01-01T00:00Z", "9999999d"):
        with pytest.raises(typer.BadParameter):
            milliseconds(nonsense, "--since")
