"""`vooster doctor` as a person runs it: on a well appliance, on none, on trouble of every kind; and its salvage."""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import sqlite3
import subprocess
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec
import pytest

from appliance.cli.checkup import look
from appliance.paths import DataDir
from appliance.storage import aside
from tests.support.certificates import lay
from tests.support.datafile import BEGAN, filled, put
from tests.support.process import Served, free_port, vooster

Result = subprocess.CompletedProcess[str]


async def doctor(data: Path, *more: str, **env: str) -> Result:
    return await asyncio.to_thread(lambda: vooster("doctor", "--data-dir", str(data), *more, **env))


async def checks(data: Path, **env: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """What the exit code would be and the checks by name; every one says something in both languages."""
    with patch.dict(os.environ, env):
        found = [msgspec.to_builtins(finding) for finding in await look(DataDir(data))]
    for check in found:
        for texts in (check["message"], check["action"] or check["message"]):
            assert texts["ko"] and texts["en"]
        assert (check["action"] is None) == (check["state"] == "ok"), check
    return int(any(check["state"] != "ok" for check in found)), {check["name"]: check for check in found}


async def as_program(data: Path, **env: str) -> tuple[int, dict[str, Any]]:
    """The same from the command itself, with `--json`."""
    result = await doctor(data, "--json", **env)
    assert "Traceback" not in result.stderr, result.stderr
    told: dict[str, Any] = json.loads(result.stdout)
    states = {check["state"] for check in told["checks"]}
    assert told["status"] == ("problem" if "problem" in states else "attention" if "attention" in states else "ok")
    assert result.returncode == (0 if told["status"] == "ok" else 1)
    return result.returncode, {check["name"]: check for check in told["checks"]}


def settle(data: Path, port: int | None = None) -> dict[str, str]:
    data.mkdir(exist_ok=True)
    return {"VOOSTER_SERVER_PORT": str(port or free_port()), "VOOSTER_SERVER_HOST": "127.0.0.1"}


async def test_an_appliance_that_runs_is_well(tmp_path: Path) -> None:
    served = Served(tmp_path)
    try:
        await served.start()
        env = settle(served.data)  # another port and another folder than it was started with
        before = sorted(file.name for file in served.data.iterdir())
        code, found = await as_program(served.data, **env)
        assert (code, {name: check["state"] for name, check in found.items()}) == (0, dict.fromkeys(found, "ok"))
        assert set(found) == {
            "directory", "data", "log", "keys", "audit", "disk", "settings", "tls", "clock", "sqlite", "appliance",
                "discovery",
        }  # fmt: skip
        assert re.match(r"The record is intact \(\d+ entries checked\)", found["audit"]["message"]["en"])
        assert "uses it" in found["directory"]["message"]["en"]
        assert "running" in found["appliance"]["message"]["en"]
        assert sorted(file.name for file in served.data.iterdir()) == before
        english, korean = await asyncio.gather(
            doctor(served.data, **env), doctor(served.data, LC_ALL="ko_KR.UTF-8", **env)
        )
        assert "Everything is well." in english.stdout and not any("가" <= c <= "힣" for c in english.stdout)
        assert "모두 정상입니다." in korean.stdout and str(served.data / "vooster.db") in korean.stdout
        salvage = await doctor(served.data, "--salvage", str(served.data / "vooster.db"))
        assert (salvage.returncode, "APPLIANCE_RUNNING" in salvage.stderr) == (1, True)
        assert await served.stop() == 0
        code, found = await checks(served.data, **settle(served.data, served.port))
        assert (code, found["port"]["message"]["en"]) == (0, f"Port {served.port} is free.")
        assert found["orders"]["state"] == "ok"
        assert "isn't running" in found["appliance"]["message"]["en"]
    finally:
        await served.close()


async def test_nothing_there_yet_is_nothing_wrong(tmp_path: Path) -> None:
    data = tmp_path / "data"
    code, found = await checks(data, VOOSTER_SERVER_PORT=str(free_port()))
    assert code == 0, found
    assert not data.exists(), "asking makes nothing"


async def test_a_damaged_file_is_named_with_the_command_that_saves_it(tmp_path: Path) -> None:
    env = settle(tmp_path / "data")
    path = tmp_path / "data" / "vooster.db"
    filled(path)
    content = bytearray(path.read_bytes())
    content[40 * 4096 : 44 * 4096] = os.urandom(4 * 4096)
    path.write_bytes(content)
    code, found = await checks(path.parent, **env)
    assert (code, found["data"]["state"]) == (1, "problem")
    assert f"vooster doctor --salvage {path}" in found["data"]["action"]["ko"]
    assert path.read_bytes() == content


async def test_an_index_that_missed_a_row_is_found(tmp_path: Path) -> None:
    """The check at the start doesn't see this one: it compares no index with its table."""
    env = settle(tmp_path / "data")
    path = tmp_path / "data" / "vooster.db"
    filled(path)

    def changed(*statements: tuple[str, tuple[Any, ...]]) -> None:
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("PRAGMA writable_schema = ON")
        for statement, values in statements:
            connection.execute(statement, values)
        connection.close()

    connection = sqlite3.connect(path, isolation_level=None)
    index = connection.execute("SELECT * FROM sqlite_schema WHERE name = 'deliveries_trigger'").fetchone()
    connection.close()
    changed(("DELETE FROM sqlite_schema WHERE name = 'deliveries_trigger'", ()))
    changed(("DELETE FROM deliveries WHERE pk = 2", ()))
    changed(("INSERT INTO sqlite_schema VALUES (?, ?, ?, ?, ?)", index))
    code, found = await checks(path.parent, **env)
    assert (code, found["data"]["state"]) == (1, "problem")
    assert "deliveries_trigger" in found["data"]["message"]["en"]
    salvaged = await doctor(path.parent, "--salvage", str(path), "--json")
    assert json.loads(salvaged.stdout)["tables"]["deliveries"] == {"read": 599, "lost": 0, "lostExactly": True}
    _, found = await checks(path.parent, **env)
    assert (found["data"]["state"], found["kept"]["state"]) == ("ok", "attention")


async def test_other_trouble_is_told_each_with_what_to_do(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with socket.create_server(("127.0.0.1", 0)) as other:
        env = settle(data, other.getsockname()[1])
        env["VOOSTER_ORDERS_FOLDER"] = str(tmp_path / "no such folder")
        path = data / "vooster.db"
        filled(path, 20)
        connection = sqlite3.connect(path, isolation_level=None)
        put(connection, 1, first=9_001, at=BEGAN + 10**12)
        connection.close()
        (data / "vooster.db.damaged-20200101-000000").write_bytes(b"x")
        code, found = await checks(data, **env)
    assert code == 1
    states = {name: check["state"] for name, check in found.items() if check["state"] != "ok"}
    assert states == {
        "keys": "attention",
        "kept": "attention",
        "orders": "problem",
        "port": "problem",
        "clock": "attention",
    }
    assert "no such folder" in found["orders"]["message"]["en"]
    assert "vooster serve --port" in found["port"]["action"]["en"]
    assert "--salvage" in found["kept"]["action"]["en"]
    (data / "vooster.toml").write_text("[server]\nprot = 1\n")
    code, found = await checks(data, **env)
    assert "line 2" in found["settings"]["message"]["en"]


async def test_a_file_of_a_newer_version_is_told_apart_from_damage(tmp_path: Path) -> None:
    env = settle(tmp_path / "data")
    path = tmp_path / "data" / "vooster.db"
    filled(path, 20)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    _, found = await checks(path.parent, **env)
    assert "newer Vooster" in found["data"]["message"]["en"]


# --- salvage ----------------------------------------------------------------------------------------------------------


async def test_a_plant_after_its_file_was_damaged(tmp_path: Path) -> None:
    """From the first scan to the last letter: damage, a refused start, salvage, and a screen that goes on."""
    served = Served(tmp_path)
    (served.orders / "ORD-1001.txt").write_text("one")
    database = served.data / "vooster.db"
    try:
        await served.start()
        key, token = await served.new_key(), await served.pair("S-1")
        await served.pair("S-2")
        screen = await served.screen(token)
        epoch = screen.of("welcome")[0]["epoch"]
        shown = await served.trigger(key)
        await screen.show_next()
        await screen.expect("delivery")  # it is on disk
        waiting = await served.trigger(key, screenId="S-2")
        assert (shown.status, waiting.status) == (202, 202)
        await served.kill()
        with database.open("rb+") as file:
            file.write(bytes(100))  # the header

        refused = await asyncio.to_thread(
            lambda: vooster("serve", "--port", "0", "--no-mdns", "--data-dir", str(served.data))
        )
        assert refused.returncode == 1 and "DATABASE_CORRUPT" in refused.stderr
        (kept,) = aside.kept_aside(database)
        assert f"vooster doctor --salvage {kept}" in refused.stderr
        before = kept.read_bytes()
        code, found = await as_program(served.data)
        assert (code, f"--salvage {kept}" in found["data"]["action"]["en"]) == (1, True)

        salvaged = await doctor(served.data, "--salvage", str(kept))
        assert salvaged.returncode == 0, salvaged.stderr
        assert kept.read_bytes() == before
        assert str(kept) in salvaged.stderr and "RESTORED" in salvaged.stderr
        again = await doctor(served.data, "--salvage", str(kept), "--json", LC_ALL="ko_KR.UTF-8")
        assert again.returncode == 1 and "DATABASE_EXISTS" in again.stderr

        await served.start()
        screen = await served.screen(token, restore=True)
        assert screen.of("welcome")[0]["epoch"] != epoch
        assert (await served.call("GET", f"/api/triggers/{shown.json['id']}", bearer=key)).json["deliveries"][0][
            "state"
        ] == "shown"
        (letter,) = (await served.local("GET", "/api/dead-letters")).json["items"]
        assert (letter["code"], letter["screenId"]) == ("RESTORED", "S-2")
        await screen.settled()
        assert screen.of("navigate") == [], "what it shows isn't known any more"
        fresh = await served.trigger(key)
        assert (fresh.status, (await screen.show_next())["triggerId"]) == (202, fresh.json["id"])
        with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
            entry = connection.execute("SELECT actor, target FROM audit WHERE action = 'salvage'").fetchone()
        connection.close()
        assert entry[0].startswith("local:") and entry[1] == kept.name
        assert await served.stop() == 0
        assert "Traceback" not in served.log.read_text("utf-8")
    finally:
        await served.close()


def spoil(database: Path, index: str) -> None:
    """Garbage over the first page of an index, in a file too long to be checked whole at each start."""
    connection = sqlite3.connect(database)
    root = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (index,)).fetchone()[0]
    connection.close()
    with database.open("rb+") as file:
        file.truncate(66 << 20)
        file.seek((root - 1) * 4096)
        file.write(b"\xff" * 4096)


@pytest.mark.parametrize("index", ["sqlite_autoindex_triggers_1", "deliveries_open"], ids=["running", "starting"])
async def test_damage_that_no_check_saw(tmp_path: Path, index: str) -> None:
    """Senders hear 503, health says why and what to type, and that command works once the appliance has stopped."""
    served = Served(tmp_path)
    (served.orders / "ORD-1001.txt").write_text("one")
    database = served.data / "vooster.db"
    try:
        await served.start()
        key = await served.new_key()
        await served.pair("S-1")
        assert (await served.trigger(key)).status == 202
        await served.stop()
        spoil(database, index)
        if index == "deliveries_open":
            with pytest.raises(AssertionError, match="DATABASE_CORRUPT"):
                await served.start()
            command = f"vooster doctor --salvage {aside.kept_aside(database)[0]}"
            assert command in served.log.read_text("utf-8")
        else:
            await served.start()
            for _ in range(2):
                (await served.trigger(key)).problem(503, "STORAGE_UNAVAILABLE")
            health = await served.local("GET", "/api/health")
            storage = health.json["checks"]["storage"]
            command = storage["command"]
            assert (health.status, storage["status"]) == (503, "fail")
            assert storage["detail"] and command.endswith(storage["file"])
            code, found = await checks(served.data, **settle(served.data, served.port))
            assert code == 1
            assert command in found["data"]["action"]["en"] and command in found["appliance"]["action"]["en"]
            await served.stop()
        log = served.log.read_text("utf-8")
        assert log.count("storage.damaged") == 1 and "Traceback" not in log
        assert not database.exists()
        salvaged = await doctor(served.data, "--salvage", command.rpartition(" ")[2], "--json")
        assert salvaged.returncode == 0, salvaged.stderr
        tables = json.loads(salvaged.stdout)["tables"]
        assert tables["triggers"] == tables["deliveries"] == {"read": 1, "lost": 0, "lostExactly": True}
        await served.start()
        assert (await served.trigger(key)).status == 202
    finally:
        await served.close()


@pytest.mark.parametrize("file", ["no-such-file", "."])
async def test_salvage_of_no_file_is_wrong_usage(tmp_path: Path, file: str) -> None:
    result = await doctor(tmp_path / "data", "--salvage", str(tmp_path / file))
    assert result.returncode == 2
    assert "Traceback" not in result.stderr


async def test_salvage_of_something_else_says_so_and_changes_nothing(tmp_path: Path) -> None:
    data, other = tmp_path / "data", tmp_path / "photo.jpg"
    other.write_bytes(b"\xff\xd8 no data file" * 1_000)
    before = other.read_bytes()
    english = await doctor(data, "--salvage", str(other))
    assert (english.returncode, other.read_bytes()) == (1, before)
    assert f"It can't be read as a data file: {other}\n  Nothing was changed." in english.stderr
    assert "start-empty" not in english.stderr and "kept aside" not in english.stderr
    assert not (data / "vooster.db").exists()
    korean = await doctor(data, "--salvage", str(other), LC_ALL="ko_KR.UTF-8")
    assert f"데이터 파일로 읽을 수 없습니다: {other}\n  바뀐 것은 없습니다." in korean.stderr


async def test_the_figures_stand_in_a_table_in_the_systems_language(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    source = tmp_path / "old.db"
    filled(source)
    content = bytearray(source.read_bytes())
    content[60 * 4096 : 61 * 4096] = bytes(4096)
    source.write_bytes(content)
    korean = await doctor(data, "--salvage", str(source), LC_ALL="ko_KR.UTF-8")
    assert korean.returncode == 0, korean.stderr
    assert "살린 것" in korean.stdout and "잃은 것" in korean.stdout and "스캔" in korean.stdout
    (data / "vooster.db").unlink()
    english = await doctor(data, "--salvage", str(source))
    assert "saved" in english.stdout and "lost" in english.stdout
    assert not any("가" <= c <= "힣" for c in english.stdout)


async def test_it_tells_how_the_connection_is_protected(tmp_path: Path) -> None:
    data = tmp_path / "data"
    env = settle(data)
    _, found = await checks(data, **env)
    assert found["tls"]["state"] == "ok" and 'mode = "auto"' in found["tls"]["message"]["ko"]
    laid = lay(tmp_path / "pki", days=20, names=("orders.example",))
    env |= {f"VOOSTER_TLS_{name.upper()}": value for name, value in laid.settings.items()}
    _, found = await checks(data, **env)
    assert found["tls"]["state"] == "attention" and "soon" in found["tls"]["message"]["en"]
    lay(tmp_path / "pki", names=("orders.example",))
    _, found = await checks(data, **env)
    assert found["tls"]["state"] == "attention" and "127.0.0.1" in found["tls"]["message"]["en"]
    _, found = await checks(data, **env, VOOSTER_SERVER_PUBLIC_URL="https://orders.example")
    assert found["tls"]["state"] == "ok"
    laid.key_file.chmod(0o644)
    _, found = await checks(data, **env, VOOSTER_SERVER_PUBLIC_URL="https://orders.example")
    assert "chmod 600" in found["tls"]["action"]["ko"]
    laid.key_file.unlink()
    _, found = await checks(data, **env)
    assert found["tls"]["state"] == "problem" and str(laid.key_file) in found["tls"]["action"]["ko"]
