"""Secrets that can be told apart are used as they should be and in every wrong place; then everything that the
appliance has written or said is searched for them, as they are and encoded."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import aiohttp
import pytest

from tests.support.answers import new_trigger
from tests.support.forked import Running, starter
from tests.support.process import Served, environment, vooster
from tests.transports.socketio.peer import Peer

PASSWORD = "Planted+password/한글 1"
MISTYPED = "Planted+mistyped/한글 2"
EVERYWHERE = ("password", "access token", "device secret")
"""Those that are tried in every wrong place there is; the others in some."""


class Chatty(Served):
    """One that logs all it can, and whose output is no terminal."""

    def __init__(self, root: Path, style: str) -> None:
        super().__init__(root)
        self._style = style
        self.output = root / "output.txt"
        self.http: aiohttp.ClientSession | None = None
        self.said: list[tuple[str, str]] = []
        """Every answer, as (what was asked, its head and body)."""

    def _spawn(self, more: tuple[str, ...], env: dict[str, str]) -> Running:
        arguments = [*self.arguments[:-1], self._style]
        given = environment(VOOSTER_LOG_LEVEL="debug", **env)
        with self.log.open("ab") as log, self.output.open("ab") as output:
            return starter().start(*arguments, *more, stdout=output, stderr=log, env=given)

    async def ask(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        data: bytes | None = None,
        headers: dict[str, str] | None = None,
        quiet: bool = True,
    ) -> Any:
        """One request. With `quiet` the answer is among what is searched."""
        sent = {"Content-Type": "application/json", **(headers or {})}
        content = json.dumps(body).encode() if body is not None else data
        assert self.http is not None
        async with self.http.request(
            method, self.url + path, data=content, headers=sent, allow_redirects=False
        ) as answer:
            text = await answer.text()
            if quiet and answer.status >= 400:
                self.said.append((f"{method} {path[:60]}", f"{answer.headers}\n{text}"))
            if answer.status >= 400 or not text.startswith("{"):
                return {}
            return json.loads(text) | {"cookie": answer.headers.get("Set-Cookie", "")}

    async def raw(self, data: bytes) -> None:
        """Bytes that are no HTTP, or nearly."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(data)
        writer.write_eof()
        with contextlib.suppress(ConnectionError):
            await reader.read()
        writer.close()


async def planted(house: Chatty) -> dict[str, str]:
    """Every secret there is, each of them good when it is given out."""
    link = (await house.local("POST", "/api/setup/link")).json["url"]
    token = link.partition("#token=")[2]
    await house.ask("GET", "/api/setup", headers={"Authorization": f"Bearer {token}"})
    set_up = {"token": token, "username": "kim", "password": PASSWORD}
    browser = await house.ask("POST", "/api/setup", body=set_up)
    log_in = {"username": "kim", "password": PASSWORD, "tokens": True}
    tokens = await house.ask("POST", "/api/auth/login", body=log_in)
    fresh = await house.ask("POST", "/api/auth/refresh", body={"refreshToken": tokens["refreshToken"]})
    key = (await house.local("POST", "/api/keys", {"name": "mes", "role": "supervisor"})).json["key"]
    bearer = {"Authorization": f"Bearer {key}"}
    await house.ask("POST", "/api/screens", body={"screenId": "S-1"}, headers=bearer)
    offer = await house.ask("POST", "/api/pairing/offers", body={"screenId": "S-1"}, headers=bearer)
    pairing = await house.ask("POST", "/api/pairing/claim", body={"screenId": "S-1", "token": offer["token"]})
    device = {"screenId": "S-1", "deviceSecret": pairing["deviceSecret"]}
    again = await house.ask("POST", "/api/auth/device", body=device)
    waiting = await house.ask("POST", "/api/pairing/device", body={})
    ticket = await house.ask("POST", "/api/events/ticket", headers=bearer)
    open_offer = await house.ask("POST", "/api/pairing/offers", body={"screenId": "S-9"}, headers=bearer)
    keys = json.loads((house.data / "secrets.json").read_text())
    cookie = browser["cookie"].partition(";")[0].partition("=")[2]
    return {
        "password": PASSWORD,
        "mistyped password": MISTYPED,
        "set-up token": token,
        "access token": tokens["accessToken"],
        "refresh token": tokens["refreshToken"],
        "next refresh token": fresh["refreshToken"],
        "API key": key,
        "used offer": offer["token"],
        "open offer": open_offer["token"],
        "screen's access token": again["accessToken"],
        "screen's refresh token": again["refreshToken"],
        "first device secret": pairing["deviceSecret"],
        "device secret": again["deviceSecret"],
        "device code": waiting["device_code"],
        "ticket": ticket["ticket"],
        "cookie": cookie,
        "CSRF token": browser["csrfToken"],
        "signing key": keys["jwt"][0]["key"],
        **{f"key of {use}": keys[use] for use in ("documents", "cookies", "successors")},
    }


async def misuse(house: Chatty, secret: str) -> None:
    """One secret in every place where something else belongs."""
    inside = json.dumps(secret, ensure_ascii=False)
    query = quote(secret, safe="")
    for path in ("/api/me", "/api/trigger", "/api/events/subscribe", "/socket.io/", "/ws", "/", "/display", "/nothing"):
        await house.ask("GET", f"{path}?token={query}&access_token={query}&key={query}&sid={query}")
        await house.ask("GET", f"{path}?ticket={query}")
    for path in ("/api/deliveries", "/api/dead-letters"):
        await house.ask("GET", f"{path}?cursor={query}&limit={query}", headers={"Authorization": "Bearer x"})
    # An id that isn't there may be named to who asked for it, but not in the log.
    for path in (f"/{query}", f"/api/screens/{query}", f"/api/triggers/{query}", f"/documents/{query}/x.pdf"):
        await house.ask("GET", path, quiet=False)
    plain = secret.encode().decode("latin-1")
    for header in ("Authorization", "Cookie", "X-CSRF-Token", "Origin", "Referer", "X-Forwarded-For", "User-Agent"):
        for value in (plain, f"Bearer {plain} x"):
            await house.ask("POST", "/api/trigger", body={}, headers={header: value})
    for path in ("/api/auth/login", "/api/auth/refresh", "/api/auth/device", "/api/auth/logout", "/api/setup",
                 "/api/pairing/token", "/api/pairing/claim", "/api/pairing/device", "/api/trigger"):  # fmt: skip
        for body in (
            {"username": secret, "password": secret, "token": secret, "refreshToken": secret, "deviceSecret": secret,
             "screenId": "S-1", "device_code": secret},
            {"username": [secret], "password": {"a": secret}, "token": 1, "refreshToken": [secret]},
            {secret: secret},
            [secret],
            secret,
        ):  # fmt: skip
            await house.ask("POST", path, body=body)
        for data in (
            f'{{"password": {inside[:-1]}'.encode(),
            f'{{"password": {inside}, "x": }}'.encode(),
            secret.encode(),
            (inside + " " * 20_000 + inside).encode(),
            secret.encode("utf-16"),
        ):
            await house.ask("POST", path, data=data)
        await house.ask("POST", path, data=secret.encode(), headers={"Content-Type": "text/plain"})
        await house.ask("POST", path, data=secret.encode(), headers={"Content-Encoding": "gzip"})
    ascii_only = query.encode()
    await house.raw(b"GET /" + ascii_only + b" HTTP/9.9\r\n\r\n")
    await house.raw(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization\x00: " + ascii_only + b"\r\n\r\n")
    await house.raw(ascii_only + b"\r\n\r\n")
    await house.raw(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + ascii_only + b"\r\n\r\n")
    await house.raw(b"POST /api/trigger HTTP/1.1\r\nHost: x\r\nContent-Length: " + ascii_only + b"\r\n\r\n")


async def on_sockets(house: Chatty, name: str, secret: str) -> None:
    inside = json.dumps(secret, ensure_ascii=False)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        for first in (
            f'{{"type":"hello","token":{inside}',
            f'{{"type":"hello","token":[{inside}]}}',
            f'{{"type":"hello","token":{inside},"displays":{inside}}}',
            f'{{"type":"hello","token":{inside}}}',
            f'{{"type":{inside}}}',
            secret,
        ):
            async with http.ws_connect(f"{house.url}/ws") as socket:
                await socket.send_str(first)
                async for frame in socket:
                    self_said = str(frame.data)
                    if '"type":"error"' in self_said:
                        house.said.append((f"hello with {name}", self_said))
                        break
                    await socket.send_str(f'{{"type":"auth","token":{inside}}}')
                    await socket.send_str(f'{{"type":"ack","id":"x","status":{inside}}}')
                    await socket.send_str(f'{{"type":{inside}}}')
    for auth in (
        secret,
        [secret],
        {"token": [secret]},
        {"token": {"a": secret}},
        {"token": secret, "displays": secret},
    ):
        for transport in ("websocket", "polling") if name in EVERYWHERE else ():
            peer = Peer(house.url, transport=transport)
            try:
                await peer.open()
                with contextlib.suppress(AssertionError, TimeoutError):
                    await peer.send("40" + json.dumps(auth))
                    async with asyncio.timeout(0.3):
                        house.said.append((f"auth with {name}", json.dumps(await peer.refusal())))
            finally:
                await peer.close()


def forms(secret: str) -> set[bytes]:
    """A secret as it is, and as other people's programs write such things down."""
    raw = secret.encode()
    kept = {
        raw,
        quote(secret, safe="").encode(),
        quote_plus(secret).encode(),
        raw.hex().encode(),
        raw.hex().upper().encode(),
    }
    kept |= {json.dumps(secret)[1:-1].encode(), repr(secret)[1:-1].encode(), repr(raw)[2:-1].encode()}
    for part in (raw, raw[1:], raw[2:]):  # base64 of it at any place in a longer text
        text = base64.b64encode(part)
        kept |= {text.rstrip(b"=")[:-1], base64.urlsafe_b64encode(part).rstrip(b"=")[:-1]}
    with contextlib.suppress(ValueError):
        if len(secret) in {43, 44}:  # 256 bits in base64: their bytes and their digits too
            key = base64.urlsafe_b64decode(secret.rstrip("=").replace("+", "-").replace("/", "_") + "=")
            kept |= {
                key,
                key.hex().encode(),
                base64.b64encode(key).rstrip(b"="),
                base64.urlsafe_b64encode(key).rstrip(b"="),
            }
    if secret.count(".") == 2:  # of a token the signature alone would do
        kept.add(secret.rpartition(".")[2].encode())
    return {form for form in kept if len(form) > 8}


def search(where: str, content: bytes, secrets: dict[str, str]) -> list[str]:
    found = []
    for name, secret in secrets.items():
        for form in forms(secret):
            at = content.find(form)
            if at >= 0:
                found.append(f"{name} in {where}: …{content[max(0, at - 150) : at + 20]!r}…")
                break
    return found


@pytest.mark.timeout(180)
@pytest.mark.parametrize("style", ["json", "console"])
async def test_no_planted_secret_comes_to_light(tmp_path: Path, style: str) -> None:
    house = Chatty(tmp_path, style)
    (house.orders / "ORD-1001.pdf").write_bytes(b"%PDF-1.4\n%%EOF\n")
    try:
        await house.start(VOOSTER_LIMITS_ENABLED="false")
        house.http = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        secrets = await planted(house)
        wire = await house.screen(secrets["screen's access token"])
        trigger = new_trigger(screen_id="S-1")
        headers = {"Authorization": f"Bearer {secrets['API key']}"}
        await house.ask("POST", "/api/trigger", body=trigger, headers=headers)
        await wire.show_next()
        for name in EVERYWHERE if style == "json" else EVERYWHERE[:1]:
            await misuse(house, secrets[name])
        for name, secret in secrets.items() if style == "json" else ():
            await house.ask("POST", "/api/auth/login", body={"username": secret, "password": secret})
            await on_sockets(house, name, secret)
        metrics = (await house.call("GET", "/metrics")).text
        dashboard = await house.call("GET", "/api/monitoring/dashboard", bearer=secrets["API key"])
        health = await house.call("GET", "/api/health", bearer=secrets["API key"])
        doctor = await asyncio.to_thread(vooster, "doctor", "--json", "--data-dir", str(house.data))
        await wire.close()
        assert await house.stop() == 0
    finally:
        if house.http is not None:
            await house.http.close()
        await house.close()
    found = []
    for asked, answer in house.said:
        found += search(f"the answer to {asked}", answer.encode(), secrets)
    for where, text in {
        "/metrics": metrics, "the dashboard": dashboard.text, "health": health.text,
        "doctor": doctor.stdout + doctor.stderr,
    }.items():  # fmt: skip
        assert len(text) > 100
        found += search(where, text.encode(), secrets)
    log, output = house.log.read_bytes(), house.output.read_bytes()
    assert len(log) > 1000, "nothing was logged, so nothing is proven"
    found += search("the log", log, secrets) + search("the output", output, secrets)
    assert b"$argon2" not in log
    for file in sorted(house.data.glob("vooster.db*")):
        found += search(file.name, file.read_bytes(), secrets)
    with contextlib.closing(sqlite3.connect(house.data / "vooster.db")) as database:
        rows = database.execute("SELECT * FROM audit").fetchall()
    assert len(rows) > 5
    found += search("the audit", repr(rows).encode(), secrets)
    assert not found, "\n".join(found[:40])
    assert len(house.said) > 500 if style == "json" else house.said


async def test_without_a_terminal_the_set_up_link_is_nowhere(tmp_path: Path) -> None:
    """A service's output goes to a journal that others may read: it says how to get a link instead."""
    house = Chatty(tmp_path, "json")
    try:
        await house.start()
        link = (await house.local("POST", "/api/setup/link")).json["url"]
        assert await house.stop() == 0
    finally:
        await house.close()
    written = house.output.read_text("utf-8") + house.log.read_text("utf-8")
    assert "vooster setup --link" in written
    assert "#token" not in written
    assert link.partition("#token=")[2] not in written
