"""Three places, the later one wins, and whatever doesn't fit is named with its line."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from appliance import settings
from appliance.errors import Problem


def refused(file: Path | None, environment: dict[str, str] | None = None, flags: Any = None) -> tuple[str, str]:
    """(where, reason)"""
    with pytest.raises(Problem) as problem:
        settings.load(file, environment or {}, flags)
    assert problem.value.code == "SETTINGS_INVALID"
    where, reason = problem.value.values["where"], problem.value.values["reason"]
    assert re.search("[가-힣]", reason["ko"]) and not re.search("[가-힣]", reason["en"])
    assert where in str(problem.value.messages()) + str(problem.value.actions()) + problem.value.detail
    return where, reason["en"]


def test_the_defaults_are_the_contracts() -> None:
    found = settings.load(None, {})
    assert (found.server.port, found.server.max_message_bytes) == (8480, 1 << 20)
    assert (found.orders.source, found.orders.timeout_ms) == ("folder", 1_000)
    delivery = found.delivery
    assert (delivery.ack_timeout_ms, delivery.shown_timeout_ms) == (5_000, 10_000)
    assert (delivery.max_retries, delivery.retry_base_ms, delivery.ttl_seconds) == (3, 1_000, 600)
    assert delivery.restore_hours == 12
    assert (found.heartbeat.interval_seconds, found.heartbeat.timeout_seconds) == (20, 5)
    assert (found.tokens.access_seconds, found.tokens.refresh_seconds) == (900, 86_400)
    assert (found.limits.enabled, found.discovery.enabled, found.tls.mode) == (True, True, "off")


def test_the_later_place_wins(tmp_path: Path) -> None:
    file = tmp_path / "vooster.toml"
    file.write_text("[server]\nport = 1111\nhost = '10.0.0.1'\n[delivery]\nmax_retries = 7\n")
    found = settings.load(
        file, {"VOOSTER_SERVER_PORT": "2222", "VOOSTER_DELIVERY_MAX_RETRIES": "8"}, {"server": {"port": 3333}}
    )
    assert (found.server.port, found.server.host, found.delivery.max_retries) == (3333, "10.0.0.1", 8)


def test_the_environment_speaks_in_words() -> None:
    found = settings.load(
        None,
        {
            "VOOSTER_LIMITS_ENABLED": "false",
            "VOOSTER_HEARTBEAT_INTERVAL_SECONDS": "2.5",
            "VOOSTER_SERVER_ALLOWED_HOSTS": "a.example, b.example",
            "PATH": "/bin",
        },
    )
    assert (found.limits.enabled, found.heartbeat.interval_seconds) == (False, 2.5)
    assert found.server.allowed_hosts == ["a.example", "b.example"]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("[server]\nport = 8480\nprot = 1\n", 3, "server.prot"),
        ("# about\n[serve]\nport = 1\n", 2, "serve"),
        ("port = 1\n", 1, "port"),
        ("[server]\n\nport = 'many'\n", 3, "server.port"),
        ("[server]\nport = 70000\n", 2, "server.port"),
        ("[server]\nport = true\n", 2, "server.port"),
        ("[server]\nallowed_hosts = 'a'\n", 2, "server.allowed_hosts"),
        ("[server]\nallowed_origins = ['https://erp.example', '*']\n", 2, "server.allowed_origins"),
        ("[server]\nallowed_origins = ['null']\n", 2, "server.allowed_origins"),
        ("[server]\nallowed_origins = ['erp.example']\n", 2, "server.allowed_origins"),
        ("[server]\nallowed_origins = ['https://*.example']\n", 2, "server.allowed_origins"),
        ("[server]\nallowed_origins = ['https://erp.example/app']\n", 2, "server.allowed_origins"),
        ("[server]\nallowed_hosts = ['https://erp.example']\n", 2, "server.allowed_hosts"),
        ("[server]\nallowed_hosts = ['erp.example/app']\n", 2, "server.allowed_hosts"),
        ("[server]\nallowed_hosts = ['a.example', '*']\n", 2, "server.allowed_hosts"),
        ("[server]\nallowed_hosts = ['*.erp.example']\n", 2, "server.allowed_hosts"),
        ("[server]\nallowed_hosts = ['erp.example:99999']\n", 2, "server.allowed_hosts"),
        ("[server]\nallowed_hosts = ['']\n", 2, "server.allowed_hosts"),
        ("[server]\nallowed_hosts = ['192.168.10.256']\n", 2, "server.allowed_hosts"),
        ("[server]\nallowed_hosts = ['Vooster.LOCAL:8480']\n", 2, "server.allowed_hosts"),
        ("[server]\nallowed_hosts = ['local']\n", 2, "server.allowed_hosts"),
        ("[server]\ntrusted_proxies = ['192.168.10.5/24']\n", 2, "server.trusted_proxies"),
        ("[server]\ntrusted_proxies = ['192.168.10.0/33']\n", 2, "server.trusted_proxies"),
        ("[server]\ntrusted_proxies = ['192.168.10.2:80']\n", 2, "server.trusted_proxies"),
        ("[server]\ntrusted_proxies = ['*']\n", 2, "server.trusted_proxies"),
        ("[server]\ntrusted_proxies = ['0.0.0.0/0']\n", 2, "server.trusted_proxies"),
        ("[server]\ntrusted_proxies = ['::1', 'proxy.example']\n", 2, "server.trusted_proxies"),
        ("[server]\npublic_url = 'orders.example'\n", 2, "server.public_url"),
        ("[server]\npublic_url = 'ftp://orders.example'\n", 2, "server.public_url"),
        ("[server]\npublic_url = 'javascript:alert(1)'\n", 2, "server.public_url"),
        ("[server]\npublic_url = 'https://'\n", 2, "server.public_url"),
        ("[server]\npublic_url = 'https://orders.example:port'\n", 2, "server.public_url"),
        ("[server]\npublic_url = 'https://orders.example/?a=1'\n", 2, "server.public_url"),
        ("[delivery]\n[server]\nport = 1\n[tokens]\naccess_seconds = 0\n", 5, "tokens.access_seconds"),
        ("[delivery]\nttl_seconds = 86401\n", 2, "delivery.ttl_seconds"),
        ("[heartbeat]\ninterval_seconds = 0\n", 2, "heartbeat.interval_seconds"),
        ("[log]\nformat = 'xml'\n", 2, "log.format"),
        ("[orders]\nsource = 'http'\n", 2, "orders.source"),
        ("[orders]\nbarcode_pattern = '(unclosed'\n", 2, "orders.barcode_pattern"),
        ("[tls]\nmode = 'on'\n", 2, "tls.mode"),
        ("[tls]\nmode = 'files'\nkey_file = 'a.key'\n", 2, "tls.cert_file"),
        ("[tls]\ncert_file = 'a.crt'\nmode = 'files'\n", 3, "tls.key_file"),
        ("[server\nport = 1\n", 1, ""),
        ("[server]\nport = 1\nport = 2\n", 3, ""),
    ],
)
def test_a_bad_file_names_its_line_and_reason(tmp_path: Path, text: str, line: int, words: str) -> None:
    file = tmp_path / "vooster.toml"
    file.write_text(text)
    where, reason = refused(file)
    assert str(file) in where
    assert f"line {line}" in where + reason
    assert words in reason


def test_what_may_be_named(tmp_path: Path) -> None:
    file = tmp_path / "vooster.toml"
    hosts = ["orders.example", "Orders.Example:8480", "orders", "192.168.10.5", "[fd00::5]:8480"]
    proxies = ["127.0.0.1", "::1", "192.168.10.0/28", "fd00::/64"]
    file.write_text(f"[server]\nallowed_hosts = {hosts}\ntrusted_proxies = {proxies}\n")
    found = settings.load(file, {}).server
    assert (found.allowed_hosts, found.trusted_proxies) == (hosts, proxies)


@pytest.mark.parametrize(
    ("variable", "value", "ko", "en"),
    [
        ("TLS_MODE", "on", "auto, files, off", "one of auto, files, off"),
        ("LIMITS_ENABLED", "perhaps", "true, false", "true or false"),
        ("SERVER_PORT", "many", "0에서 65535까지의 정수", "a whole number from 0 to 65535"),
        ("DELIVERY_ACK_TIMEOUT_MS", "1", "10 이상의 정수", "a whole number of 10 or more"),
        ("HEARTBEAT_INTERVAL_SECONDS", "0", "0보다 큰 수", "a number above 0"),
    ],
)
def test_what_a_setting_may_be_is_said_in_both_languages(variable: str, value: str, ko: str, en: str) -> None:
    with pytest.raises(Problem) as problem:
        settings.load(None, {f"VOOSTER_{variable}": value})
    assert problem.value.actions()["ko"].endswith(f"에 쓸 수 있는 값: {ko}")
    assert problem.value.actions()["en"].endswith(f" takes {en}.")


def test_a_file_that_is_missing_or_no_text_is_named(tmp_path: Path) -> None:
    assert "missing.toml" in refused(tmp_path / "missing.toml")[0]
    (tmp_path / "noise.toml").write_bytes(b"\xff\xfe\x00")
    assert "noise.toml" in refused(tmp_path / "noise.toml")[0]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("VOOSTER_SERVER_PORT", "many"),
        ("VOOSTER_LIMITS_ENABLED", "perhaps"),
        ("VOOSTER_TLS_MODE", "on"),
        ("VOOSTER_ORDERS_BARCODE_PATTERN", "["),
        ("VOOSTER_SERVER_PROT", "1"),
    ],
)
def test_a_bad_variable_is_named(name: str, value: str) -> None:
    assert refused(None, {name: value})[0] == name


def test_a_bad_flag_is_named() -> None:
    assert refused(None, {}, {"log": {"format": "xml"}})[0] == "--format"


def test_addresses_that_fit_are_taken(tmp_path: Path) -> None:
    origins = ["https://erp.example", "http://192.168.0.9:8080/", "http://[fd00::9]:80", "chrome-extension://abcdefgh"]
    public = "https://orders.example:8443/"
    found = settings.load(None, {}, {"server": {"allowed_origins": origins, "public_url": public}})
    assert (found.server.allowed_origins, found.server.public_url) == (origins, public)
    file = tmp_path / "vooster.toml"
    file.write_text("[server]\npublic_url = 'orders.example'\n")
    assert settings.load(file, {"VOOSTER_SERVER_PUBLIC_URL": ""}).server.public_url == "", "the later place wins"


def test_each_way_of_tls_is_taken(tmp_path: Path) -> None:
    file = tmp_path / "vooster.toml"
    file.write_text("[tls]\nmode = 'files'\ncert_file = 'a.crt'\nkey_file = 'a.key'\n")
    found = settings.load(file, {})
    assert (found.tls.mode, found.tls.cert_file, found.tls.key_file) == ("files", "a.crt", "a.key")
    assert settings.load(file, {"VOOSTER_TLS_MODE": "auto"}).tls.mode == "auto"
