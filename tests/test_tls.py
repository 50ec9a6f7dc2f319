"""The appliance under TLS, behind real sockets: who trusts it uses everything, who comes without is told where to."""

from __future__ import annotations

import asyncio
import json
import ssl
import warnings
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
import uvloop

from appliance import settings
from appliance.adapters import certificates, doorway
from appliance.app import Appliance
from appliance.edge import limits
from appliance.edge.hosts import Hosts
from appliance.paths import DataDir
from appliance.settings import Server
from tests.support.answers import new_trigger
from tests.support.certificates import lay, trusting
from tests.support.house import House, opened, until
from tests.support.process import vooster

PASSWORD = "correct horse battery"
AUTO: dict[str, dict[str, Any]] = {"tls": {"mode": "auto"}}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with opened(tmp_path, AUTO) as found:
        assert found.url.startswith("https://")
        yield found


def plain(house: House) -> str:
    return house.url.replace("https://", "http://")


async def trusted(house: House) -> ssl.SSLContext:
    """As somebody does who fetches the CA, before trusting anything."""
    async with aiohttp.ClientSession() as http, http.get(f"{plain(house)}/trust/vooster-ca.pem") as answer:
        assert answer.status == 200
        return trusting(await answer.text())


def session(context: ssl.SSLContext, **more: Any) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context), **more)


async def test_who_trusts_the_ca_signs_in_with_a_cookie_that_stays_on_https(house: House) -> None:
    await house.local("POST", "/api/setup", {"username": "kim", "password": PASSWORD})
    async with session(await trusted(house)) as http:
        body = {"username": "kim", "password": PASSWORD}
        async with http.post(f"{house.url}/api/auth/login", json=body) as answer:
            cookie = answer.headers["Set-Cookie"]
            assert answer.status == 200 and cookie.startswith("__Host-vooster_")
            assert "Secure" in cookie and "HttpOnly" in cookie and "SameSite=Strict" in cookie
        async with http.get(f"{house.url}/api/me", headers={"Cookie": cookie.split(";")[0]}) as answer:
            assert (await answer.json())["tls"] is True
        async with http.get(f"{house.url}/.well-known/vooster") as answer:
            told = await answer.json()
    assert told["tls"] is True
    assert {urlsplit(url).scheme for url in told["urls"].values()} == {"https", "wss"}


async def test_who_comes_by_both_doors_is_one_stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_STRANGERS", (0.01, 6))
    monkeypatch.setattr(limits, "REFUSAL_SECONDS", 0)
    async with opened(tmp_path, AUTO) as house:
        connector = aiohttp.TCPConnector(ssl=await trusted(house), local_addr=("127.0.0.9", 0))
        async with aiohttp.ClientSession(connector=connector) as http:

            async def status(address: str) -> int:
                async with http.get(f"{address}/trust/about.json") as answer:
                    return answer.status

            assert [await status(house.url) for _ in range(3)] == [200] * 3
            assert [await status(plain(house)) for _ in range(4)] == [200] * 3 + [429]
            assert await status(house.url) == 429


async def test_nobody_who_does_not_trust_it_gets_through(house: House) -> None:
    async with session(ssl.create_default_context()) as http:
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await http.get(f"{house.url}/api/health")
    old = await trusted(house)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    async with session(old) as http, http.get(f"{house.url}/api/health") as answer:
        assert answer.status == 200
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    async with session(old) as http:
        with pytest.raises(aiohttp.ClientConnectorError):
            await http.get(f"{house.url}/api/health")


async def test_a_scan_reaches_a_screen_on_every_transport(house: House) -> None:
    token = await house.pair("S-1")
    context = await trusted(house)
    async with session(context) as http:
        wire = await http.ws_connect(f"{house.url.replace('https', 'wss')}/ws")
        await wire.send_json({"type": "hello", "token": token, "client": {"name": "t", "version": "1"}})
        assert (await wire.receive_json())["type"] == "welcome"

        headers = {"Authorization": f"Bearer {house.key}"}
        async with http.post(f"{house.url}/api/trigger", json=new_trigger(), headers=headers) as answer:
            assert answer.status == 202, await answer.text()
        told = await wire.receive_json()
        assert told["type"] == "navigate" and told["url"].startswith(f"{house.url}/documents/")
        async with http.get(told["url"]) as document:
            assert (await document.read()).startswith(b"%PDF")
        await wire.close()

        async with http.get(
            f"{house.url}/api/events/subscribe", headers={"Authorization": f"Bearer {token}"}
        ) as stream:
            while (line := await stream.content.readline()) != b"event: welcome\n":
                assert line, "the stream ended"

        async with http.get(f"{house.url}/socket.io/?EIO=4&transport=polling") as answer:
            opening = json.loads((await answer.text())[1:])
        sid = f"{house.url}/socket.io/?EIO=4&transport=polling&sid={opening['sid']}"
        async with http.post(sid, data="40" + json.dumps({"token": token})) as answer:
            assert answer.status == 200
        async with http.get(sid) as answer:
            assert "welcome" in await answer.text()
        io = await http.ws_connect(f"{house.url.replace('https', 'wss')}/socket.io/?EIO=4&transport=websocket")
        assert (await io.receive_str())[0] == "0"
        await io.close()


async def test_plain_http_gets_the_way_the_page_and_the_ca_and_nothing_else(house: House) -> None:
    token = await house.pair("S-1")
    base = plain(house)
    async with aiohttp.ClientSession() as http:

        async def ask(path: str, method: str = "GET", **more: Any) -> aiohttp.ClientResponse:
            answer = await http.request(method, base + path, allow_redirects=False, **more)
            await answer.read()
            assert "Set-Cookie" not in answer.headers
            return answer

        for path in ("/", "/login", "/display?a=1", "/approve"):
            sent_on = await ask(path)
            assert (sent_on.status, sent_on.headers["Location"]) == (307, house.url + path)
        away = await ask("//evil.example/x")
        assert urlsplit(away.headers["Location"]).netloc == urlsplit(house.url).netloc
        assert (await ask("/trust")).status == 200
        about = await (await ask("/trust/about.json")).json()
        assert about["mode"] == "auto" and about["address"] == house.url
        assert about["ca"]["sha256"].replace(" ", "") == house.appliance.fingerprint().hex().upper()
        ca = await ask("/trust/vooster-ca.crt")
        assert ca.content_type == "application/x-x509-ca-cert"
        assert (await ca.read())[0] == 0x30, "DER, which every device takes"

        bearer = {"Authorization": f"Bearer {house.key}"}
        for method, path in (
            ("POST", "/api/trigger"),
            ("GET", "/api/health"),
            ("GET", "/api/me"),
            ("GET", "/api"),
            ("POST", "/login"),
            ("DELETE", "/trust"),
            ("GET", "/ws"),
            ("GET", "/socket.io/?EIO=4&transport=polling"),
            ("GET", "/documents/x.pdf"),
            ("GET", "/metrics"),
            ("GET", "/.well-known/vooster"),
        ):
            refused = await ask(path, method, headers=bearer)
            assert refused.status == 403, path
            told = await refused.json()
            assert told["code"] == "TLS_REQUIRED" and house.url in told["action"]["ko"]
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await http.ws_connect(f"{base.replace('http', 'ws')}/ws", headers={"Authorization": f"Bearer {token}"})
        elsewhere = await ask("/", headers={"Host": "evil.example"})
        assert elsewhere.status == 421


async def test_a_page_without_tls_may_not_act_on_the_one_with_it() -> None:
    def made(*, tls: bool) -> Hosts:
        return Hosts(Server(), addresses=list, name=lambda: None, base_url=str, tls=tls)

    assert made(tls=True).own_origin("https://10.0.0.1:8480", "10.0.0.1:8480")
    assert not made(tls=True).own_origin("http://10.0.0.1:8480", "10.0.0.1:8480")
    assert made(tls=False).own_origin("http://10.0.0.1:8480", "10.0.0.1:8480")


async def test_a_hello_in_crumbs_is_heard_and_noise_or_silence_is_ended(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = urlsplit(house.url)
    context = await trusted(house)
    into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(into, out, server_hostname="127.0.0.1")
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    while True:
        try:
            tls.do_handshake()
            break
        except ssl.SSLWantReadError:
            for byte in out.read():
                writer.write(bytes([byte]))
                await asyncio.sleep(0)
            into.write(await reader.read(65536))
    # The end of the handshake and the request in one packet, as browsers send them.
    tls.write(b"GET /api/health/live HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
    writer.write(out.read())
    into.write(await reader.read())
    assert b"200 OK" in tls.read(65536)
    writer.close()

    for noise in (b"\x16" + b"\xff" * 400, b"\x16\x03\x01\x00\x05hello", b"\x00" * 50):
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.write(noise)
        writer.write_eof()
        assert b"200 OK" not in await asyncio.wait_for(reader.read(), 5)
        writer.close()

    monkeypatch.setattr(doorway, "FIRST_BYTE_SECONDS", 0.05)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
        await asyncio.wait_for(reader.readexactly(1), 5)
    writer.close()


async def test_a_large_body_passes_whole_both_ways(house: House) -> None:
    big = b"%PDF-1.4\n" + bytes(range(256)) * 20_000 + b"\n%%EOF\n"
    house.order("BIG-1", content=big)
    await house.knows("BIG-1")
    await house.pair("S-2")
    async with session(await trusted(house)) as http:
        wire = await http.ws_connect(f"{house.url.replace('https', 'wss')}/ws")
        await wire.send_json({"type": "hello", "token": house.tokens["S-2"], "client": {"name": "t", "version": "1"}})
        await wire.receive_json()

        headers = {"Authorization": f"Bearer {house.key}"}
        await http.post(f"{house.url}/api/trigger", json=new_trigger("BIG-1", "S-2"), headers=headers)
        told = await wire.receive_json()
        async with http.get(told["url"]) as document:
            assert await document.read() == big
        await wire.close()


async def test_a_new_address_is_served_while_older_connections_live_on(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = await trusted(house)
    running = house.appliance.certificates
    assert running is not None
    async with session(context) as http:
        first = await http.get(f"{house.url}/api/health/live")
        await first.read()
        names = house.appliance._names
        monkeypatch.setattr(running, "_names", lambda: [*names(), "192.168.77.5"])
        await running.look()
        assert "192.168.77.5" in running.status()["names"]
        async with http.get(f"{house.url}/api/health/live") as again:
            assert again.status == 200
    async with (
        session(context) as http,
        http.get(f"{house.url}/api/health/live", server_hostname="192.168.77.5") as answer,
    ):
        assert answer.status == 200


async def test_it_is_looked_after_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificates, "LOOK_SECONDS", 0.02)
    laid = lay(tmp_path / "pki")
    async with opened(tmp_path, {"tls": laid.settings}) as house:
        assert house.appliance.fingerprint() == laid.sha256
        newer = lay(tmp_path / "pki")
        await until(lambda: house.appliance.fingerprint() == newer.sha256)
        async with session(trusting(newer.cert_file.read_text())) as http:
            async with http.get(f"{house.url}/trust/about.json") as answer:
                about = await answer.json()
            assert (about["mode"], about["ca"]) == ("files", None)
            assert about["server"]["sha256"].replace(" ", "") == newer.sha256.hex().upper()
            async with http.get(f"{house.url}/trust/vooster-ca.crt") as answer:
                assert answer.status == 404
        newer.key_file.write_text("no key")
        await until(lambda: not running_ok(house))
        health = (await house.local("GET", "/api/health")).json
        assert health["status"] == "degraded" and "key_file" in health["checks"]["tls"]["detail"]


def running_ok(house: House) -> bool:
    assert house.appliance.certificates is not None
    return bool(house.appliance.certificates.status()["ok"])


async def test_what_the_qr_codes_carry(house: House) -> None:
    mark = "&ca=" + urlsafe_b64encode(house.appliance.fingerprint()).rstrip(b"=").decode()
    async with (
        session(await trusted(house)) as http,
        http.post(f"{house.url}/api/pairing/device", json={}) as answer,
    ):
        asked = await answer.json()
    assert asked["verification_uri_complete"] == f"{house.url}/approve#{asked['user_code']}{mark}"
    assert asked["verification_uri"] == f"{house.url}/approve"
    offer = (await house.local("POST", "/api/pairing/offers", {"screenId": "S-9"})).json
    assert offer["url"].endswith(f"#token={offer['token']}{mark}")


async def test_a_viewer_sees_the_mode_and_the_end_and_a_stranger_only_the_state(house: House) -> None:
    found = (await house.local("GET", "/api/health")).json["checks"]["tls"]
    assert (found["status"], found["mode"], found["missing"]) == ("ok", "auto", [])
    assert found["until"] > 0
    async with session(await trusted(house)) as http, http.get(f"{house.url}/api/health") as answer:
        assert (await answer.json())["checks"]["tls"] == {"status": "ok"}


async def test_without_tls_nothing_of_this_is_there(tmp_path: Path) -> None:
    async with opened(tmp_path) as house:
        assert house.url.startswith("http://")
        about = (await house.call("GET", "/trust/about.json")).json
        assert (about["mode"], about["ca"], about["server"]) == ("off", None, None)
        (await house.call("GET", "/trust/vooster-ca.crt")).problem(404, "NOT_FOUND")
        asked = (await house.call("POST", "/api/pairing/device", {})).json
        assert asked["verification_uri_complete"].endswith(f"#{asked['user_code']}")
        assert (await house.local("GET", "/api/health")).json["checks"]["tls"] == {
            "status": "ok",
            "ok": True,
            "mode": "off",
        }
        assert not house.data.authority.parent.exists()


async def test_a_commands_own_appliance_makes_no_certificate_but_gives_out_https_links(tmp_path: Path) -> None:
    found = settings.load(None, {}, AUTO)
    appliance = Appliance(found, DataDir(tmp_path / "data"), network=False)
    await appliance.start()
    try:
        assert appliance.base_url().startswith("https://")
        assert not appliance.data.authority.exists()
    finally:
        await appliance.stop()


def test_serve_says_what_is_wrong_with_the_files_before_it_starts(tmp_path: Path) -> None:
    laid = lay(tmp_path / "pki")
    laid.key_file.write_bytes(lay(tmp_path / "other").key_file.read_bytes())
    environment = {f"VOOSTER_TLS_{name.upper()}": value for name, value in laid.settings.items()}
    result = vooster("serve", "--check", "--data-dir", str(tmp_path / "data"), **environment)
    assert result.returncode == 1
    assert "SETTINGS_INVALID" in result.stderr and str(laid.key_file) in result.stderr
    assert "짝이 맞는" in result.stderr and "Traceback" not in result.stderr


def test_the_check_refuses_what_the_start_would_refuse(tmp_path: Path) -> None:
    laid = lay(tmp_path / "pki", rsa_bits=1024)
    environment = {f"VOOSTER_TLS_{name.upper()}": value for name, value in laid.settings.items()}
    result = vooster("serve", "--check", "--data-dir", str(tmp_path / "data"), **environment)
    assert (result.returncode, "too short" in result.stderr, "너무 짧습니다" in result.stderr) == (1, True, True)


def test_the_same_on_the_event_loop_that_serves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It brings a TLS layer of its own."""

    async def everything() -> None:
        async with opened(tmp_path, AUTO) as house:
            await test_a_scan_reaches_a_screen_on_every_transport(house)
            await test_a_large_body_passes_whole_both_ways(house)
            await test_plain_http_gets_the_way_the_page_and_the_ca_and_nothing_else(house)
            await test_a_hello_in_crumbs_is_heard_and_noise_or_silence_is_ended(house, monkeypatch)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(everything())
