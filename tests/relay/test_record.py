"""The audit record over a plant's life: brought from an earlier version, lost, begun anew, and cut by the power."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from appliance.cli.auditcheck import audit_record
from appliance.cli.findings import Finding
from appliance.paths import DataDir
from appliance.relay import secrets
from appliance.relay.keyring import Keyring
from appliance.relay.record import Record, shown
from appliance.settings import Settings
from appliance.storage.audit import Entry, Filter, search
from appliance.storage.database import Database
from appliance.storage.files import prepare
from appliance.storage.migrations import available
from tests.support.house import until
from tests.support.process import Served, vooster

NOW = 1_800_000_000_000


def doctor(data: DataDir) -> Finding:
    (finding,) = audit_record(data)
    return finding


async def started(data: DataDir, *, afresh: bool = False) -> list[Entry]:
    """One start and stop of the record; its entries, oldest first."""
    keys = secrets.load(data.secrets)
    prepare(data.database, start_empty=afresh)
    database = Database(data.database, seal_key=keys.audit)
    await database.open()
    keyring = Keyring(data.secrets, keys, access_seconds=900, now=lambda: NOW)
    record = Record(database, keys, note_begun=keyring.note_audit_begun, now=lambda: NOW)
    await record.begin(afresh=afresh)
    await record.started(Settings())
    await record.stopped()
    found, _ = await database.read(lambda c: search(c, Filter(), 1000))
    await database.close()
    return found[::-1]


def earlier_version(data: DataDir, entries: int) -> None:
    """A data file and keys as the version before the seals has left them."""
    connection = sqlite3.connect(data.database, isolation_level=None)
    for number, _, script in available()[:3]:
        connection.executescript(f"BEGIN; {script}; PRAGMA user_version = {number}; COMMIT;")
    for number in range(entries):
        connection.execute(
            "INSERT INTO audit (at, actor, action, target, detail) VALUES (?, 'user:김', 'screen.add', ?, ?)",
            (NOW - 1000 + number, f"S-{number}" if number % 2 else None, '{"a":1}' if number % 3 else None),
        )
    connection.close()
    secrets.load(data.secrets)
    content = json.loads(data.secrets.read_text())
    del content["audit"], content["audit_begun"]
    data.secrets.write_text(json.dumps(content))


async def test_what_an_earlier_version_has_written_is_sealed_at_the_first_start(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    earlier_version(data, 50)
    before = secrets.peek(data.secrets)
    assert before is not None and doctor(data).state == "ok"
    found = await started(data)
    after = secrets.load(data.secrets)
    assert (after.jwt, after.cookies, len(after.audit), after.audit_begun) == (before.jwt, before.cookies, 32, True)
    assert [e.action for e in found] == ["screen.add"] * 50 + ["audit.seal", "appliance.start", "appliance.stop"]
    assert found[50].detail == {"entries": 50, "reason": "new version"}
    assert (found[1].actor, found[1].target, found[1].detail) == ("user:김", "S-1", {"a": 1})
    assert doctor(data).message["en"] == "The record is intact (53 entries checked)"
    with sqlite3.connect(data.database) as connection, pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute("DELETE FROM audit WHERE pk = 7")
    connection.close()
    assert [e.action for e in await started(data)][53:] == ["appliance.start", "appliance.stop"], "once"
    assert doctor(data).message["en"] == "The record is intact (55 entries checked)"


async def test_a_file_without_seals_is_not_sealed_a_second_time(tmp_path: Path) -> None:
    """Or else whoever takes the seals off could have anything sealed at the next start."""
    data = DataDir(tmp_path)
    await started(data)
    with sqlite3.connect(data.database) as connection:
        connection.execute("DROP TRIGGER audit_no_update")
        connection.execute("UPDATE audit SET actor = 'user:lee', prev = NULL, mac = NULL")
        connection.execute("DELETE FROM meta WHERE key = 'audit'")
    connection.close()
    found = await started(data)
    assert [e.action for e in found][2:] == ["audit.lost", "appliance.start", "appliance.stop"]
    assert (doctor(data).state, "Entry 1 " in doctor(data).message["en"]) == ("problem", True)


async def test_new_keys_seal_what_the_lost_ones_had_sealed_and_say_so(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    await started(data)
    data.secrets.unlink()
    found = await started(data)
    assert (found[2].action, found[2].detail) == ("audit.seal", {"entries": 2, "reason": "new key"})
    assert doctor(data).state == "ok"


async def test_a_data_file_that_was_taken_away_is_missed(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    await started(data)
    data.database.unlink()
    found = await started(data)
    assert [e.action for e in found] == ["audit.lost", "appliance.start", "appliance.stop"]
    assert "before entry 1 " in doctor(data).message["en"]
    data.database.unlink()
    found = await started(data, afresh=True)
    assert (found[0].action, found[0].detail) == ("audit.seal", {"entries": 0, "reason": "--start-empty"})
    assert doctor(data).state == "ok"


def test_no_secret_setting_is_told() -> None:
    class Section(Settings, frozen=True, kw_only=True):
        mail: dict[str, Any]

    found = shown(Section(mail={"password": "hunter2", "user": "kim"}), b"k" * 32)
    assert "hunter2" not in repr(found) and found["mail.user"] == "kim"
    assert found["mail.password"] != shown(Section(mail={"password": "other"}), b"k" * 32)["mail.password"]


async def test_a_kill_in_the_middle_of_work_leaves_an_intact_record(tmp_path: Path) -> None:
    served = Served(tmp_path)
    data = DataDir(served.data)
    try:
        done = 0
        for life in range(3):
            await served.start()

            async def work(prefix: str) -> None:
                nonlocal done
                with contextlib.suppress(aiohttp.ClientError, OSError):
                    for number in range(10_000):
                        body = {"screenId": f"{prefix}-{number}"}
                        answer = await served.local("POST", "/api/screens", body)
                        assert answer.status == 201
                        done += 1

            working = [asyncio.create_task(work(f"S-{life}-{worker}")) for worker in range(4)]
            await until(lambda wanted=done + 60: done >= wanted)  # type: ignore[misc]
            await served.kill()
            await asyncio.gather(*working, return_exceptions=True)
            assert "intact" in doctor(data).message["en"], life
        await served.start()
        answer = await served.local("GET", "/api/audit?verify=full&limit=1")
        assert answer.json["chain"]["intact"] and answer.json["chain"]["entries"] >= done
        connection = sqlite3.connect(f"file:{data.database}?mode=ro", uri=True)
        (added,) = connection.execute("SELECT count(*) FROM audit WHERE action = 'screen.add'").fetchone()
        connection.close()
        assert added >= done, "whatever was answered is in it"
        told = await asyncio.to_thread(vooster, "doctor", "--json", "--data-dir", str(served.data))
        checks = {check["name"]: check for check in json.loads(told.stdout)["checks"]}
        assert checks["audit"]["state"] == "ok", "also while it runs"
    finally:
        await served.close()


async def test_the_doctor_names_the_entry_as_a_command_too(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    await started(data)
    with sqlite3.connect(data.database) as connection:
        connection.execute("DROP TRIGGER audit_no_update")
        connection.execute("UPDATE audit SET at = 0 WHERE pk = 2")
    connection.close()
    told = await asyncio.to_thread(vooster, "doctor", "--data-dir", str(tmp_path))
    assert told.returncode == 1
    assert "Entry 2 (1970-01-01" in told.stdout and "isn't as it was written" in told.stdout
