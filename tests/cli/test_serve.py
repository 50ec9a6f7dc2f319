"""`vooster serve` where it must not start, or not as if nothing had happened."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
from pathlib import Path

from tests.support.process import Served, free_port, vooster

Result = subprocess.CompletedProcess[str]


async def serve(data: Path, *more: str, **env: str) -> Result:
    """A `serve` that ends by itself."""
    arguments = ("serve", "--host", "127.0.0.1", "--no-mdns", "--data-dir", str(data), *more)
    return await asyncio.to_thread(lambda: vooster(*arguments, **env))


def told(result: Result, code: str) -> str:
    """The reason on stderr, in both languages and without a traceback; exit code 1."""
    assert result.returncode == 1, result.stderr
    assert code in result.stderr and "Traceback" not in result.stderr, result.stderr
    assert any("가" <= c <= "힣" for c in result.stderr)
    return result.stderr


async def test_a_second_appliance_on_the_same_data_is_refused_and_the_first_lives(tmp_path: Path) -> None:
    served = Served(tmp_path)
    try:
        await served.start()
        key = await served.new_key()
        second = await serve(served.data, "--port", str(free_port()))
        words = told(second, "APPLIANCE_RUNNING")
        assert "Ctrl+C" in words and f"(process {served.pid})" in words and f"(프로세스 {served.pid})" in words
        assert (await served.call("GET", "/api/screens", bearer=key)).status == 200
        assert await served.stop() == 0
    finally:
        await served.close()


async def test_a_busy_port_names_the_command_to_use_instead(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        words = told(await serve(tmp_path / "data", "--port", str(port)), "PORT_IN_USE")
    assert str(port) in words
    assert f"vooster serve --port {port + 1}" in words


async def test_an_address_that_is_not_ours_is_named(tmp_path: Path) -> None:
    words = told(await serve(tmp_path / "data", "--host", "192.0.2.1", "--port", "8480"), "SETTINGS_INVALID")
    assert "192.0.2.1:8480에서 연결을 받을 수 없습니다: 이 PC의 주소가 아닙니다." in words
    assert words.count("it is no address of this PC") == 1
    unknown = told(await serve(tmp_path / "data", "--host", "nobody.invalid", "--port", "8480"), "SETTINGS_INVALID")
    assert "이름" in unknown and "Name or service" not in unknown


async def test_a_damaged_database_is_kept_and_asked_about_at_every_start(tmp_path: Path) -> None:
    served = Served(tmp_path)
    database = served.data / "vooster.db"
    try:
        await served.start()
        token = await served.pair()
        epoch = (await served.screen(token)).of("welcome")[0]["epoch"]
        assert await served.stop() == 0
        damage = os.urandom(64 << 10)
        database.write_bytes(damage)
        for suffix in ("-wal", "-shm"):
            database.with_name(database.name + suffix).unlink(missing_ok=True)

        words = told(await serve(served.data, "--port", "0"), "DATABASE_CORRUPT")
        (aside,) = served.data.glob("vooster.db.damaged-*")
        assert aside.read_bytes() == damage
        assert str(aside) in words
        assert "--start-empty" in words
        told(await serve(served.data, "--port", "0"), "DATABASE_CORRUPT")
        verb = await asyncio.to_thread(lambda: vooster("screens", "list", "--json", "--data-dir", str(served.data)))
        told(verb, "DATABASE_CORRUPT")
        assert not database.exists()

        await served.start("--start-empty")
        assert (await served.local("GET", "/api/screens")).json["items"] == []
        fresh = (await served.screen(await served.pair())).of("welcome")[0]["epoch"]
        assert fresh != epoch
        assert await served.stop() == 0
        await served.start()
        assert aside.read_bytes() == damage
    finally:
        await served.close()


async def test_bad_settings_stop_the_start_with_their_line_and_reason(tmp_path: Path) -> None:
    tmp_path.joinpath("vooster.toml").write_text("[server]\nport = 8480\nprot = 1\n")
    reason = told(await serve(tmp_path, "--port", "0"), "SETTINGS_INVALID")
    assert "vooster.toml, line 3" in reason
    assert "server.prot" in reason
    assert not (tmp_path / "vooster.db").exists()


async def test_settings_can_be_checked_without_starting(tmp_path: Path) -> None:
    tmp_path.joinpath("good.toml").write_text("[server]\nport = 9000\n")
    good = await serve(tmp_path / "data", "--check", "--config", str(tmp_path / "good.toml"))
    assert good.returncode == 0
    missing = await serve(tmp_path / "data", "--check", "--config", str(tmp_path / "missing.toml"))
    assert "missing.toml" in told(missing, "SETTINGS_INVALID")
    environment = await serve(tmp_path / "data", "--check", VOOSTER_DELIVERY_MAX_RETRIES="many")
    assert "VOOSTER_DELIVERY_MAX_RETRIES" in told(environment, "SETTINGS_INVALID")
    assert not (tmp_path / "data" / "vooster.db").exists()
