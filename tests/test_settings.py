"""Settings: where each comes from, and what is said of a bad one."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance import settings
from appliance.errors import Problem


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "vooster.toml"
    file.write_text(text, "utf-8")
    return file


def refused(file: Path | None, environment: dict[str, str] | None = None) -> dict[str, str]:
    with pytest.raises(Problem) as caught:
        settings.load(file, environment or {})
    assert caught.value.code == "SETTINGS_INVALID"
    return caught.value.values


def test_without_anything_the_contract_s_values_hold() -> None:
    found = settings.load(None, {})
    assert (found.server.port, found.orders.source, found.orders.timeout_ms) == (8480, "folder", 1_000)
    assert (found.delivery.ack_timeout_ms, found.delivery.shown_timeout_ms) == (5_000, 10_000)
    assert (found.delivery.max_retries, found.delivery.retry_base_ms, found.delivery.ttl_seconds) == (3, 1_000, 600)
    assert (found.heartbeat.interval_seconds, found.heartbeat.timeout_seconds) == (20, 5)
    assert (found.tokens.access_seconds, found.tokens.refresh_seconds) == (900, 86_400)


def test_the_environment_wins_over_the_file_and_a_flag_over_both(tmp_path: Path) -> None:
    file = written(tmp_path, "[server]\nport = 1\nhost = 'a'\n[delivery]\nttl_seconds = 5\n")
    environment = {"VOOSTER_SERVER_PORT": "2", "VOOSTER_SERVER_HOST": "b"}
    found = settings.load(file, environment, {"server": {"port": 3}})
    assert (found.server.port, found.server.host, found.delivery.ttl_seconds) == (3, "b", 5)


def test_environment_values_are_read_as_what_the_setting_is() -> None:
    environment = {
        "VOOSTER_SERVER_ALLOWED_HOSTS": "erp.plant, vooster.plant",
        "VOOSTER_LIMITS_ENABLED": "false",
        "VOOSTER_HEARTBEAT_INTERVAL_SECONDS": "0.5",
    }
    found = settings.load(None, environment)
    assert found.server.allowed_hosts == ["erp.plant", "vooster.plant"]
    assert not found.limits.enabled
    assert found.heartbeat.interval_seconds == 0.5


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("[server]\nhost = 'x'\nport = 99999\n", 3, "server.port"),
        ("[server]\nport = '8480'\n", 2, "server.port"),
        ("# a comment\n[server]\nprot = 1\n", 3, "server.prot"),
        ("[delivery]\nttl_seconds = 1\n\n[nonsense]\na = 1\n", 4, "nonsense"),
        ("[orders]\nsource = 'ftp'\n", 2, "orders.source"),
        ("delivery.max_retries = 21\n", 1, "delivery.max_retries"),
    ],
)
def test_a_bad_setting_is_named_with_its_line(tmp_path: Path, text: str, line: int, reason: str) -> None:
    file = written(tmp_path, text)
    told = refused(file)
    assert told["where"] == f"{file}, line {line}"
    assert reason in told["reason"]


def test_what_is_no_toml_says_where_it_stops_being_it(tmp_path: Path) -> None:
    told = refused(written(tmp_path, "[server]\nport = \n"))
    assert "line 2" in told["reason"]


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    assert refused(tmp_path / "missing.toml")["where"] == str(tmp_path / "missing.toml")


def test_a_bad_environment_variable_is_named() -> None:
    assert refused(None, {"VOOSTER_SERVER_PORT": "eighty"})["where"] == "VOOSTER_SERVER_PORT"
