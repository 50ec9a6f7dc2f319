"""A screen and a program that scans, in Python with aiohttp (`pip install aiohttp`):

    python vooster_client.py screen pairing.json
    VOOSTER_KEY=... python vooster_client.py trigger http://192.168.10.20:8480 SCREEN-001 ORD-1001

`pairing.json` is one line of `vooster screens provision SCREEN-001`.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import itertools
import json
import os
import random
import sys
import time
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp

Message = dict[str, Any]
REPLACED, NO_CREDENTIAL = 4409, (4401, 4403)
GRACE_SECONDS = 10.0
FETCH = aiohttp.ClientTimeout(total=9)  # the appliance waits 10 s for a document to be shown
WAIT_MS = int(os.environ.get("VOOSTER_WAIT_MS", "30000"))


class GivenUp(Exception):
    """Trying again would not help; the text says why."""


def in_words(problem: Message, language: str = "en") -> str:
    return f"{problem['messages'][language]} {problem['action'][language]}"


def may_open(url: str, hosts: list[str]) -> bool:
    """Whether a document's address may be opened: http and https alone, and where the appliance names hosts
    (`documentHosts` of `welcome`), theirs alone."""
    parts = urlsplit(url)
    host, port = parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    if host is None or port is None or "@" in parts.netloc:
        return False
    name = f"[{host}]" if ":" in host else host
    if not hosts:
        return "xn--" not in name  # a name in another script can look like any other
    return any(_names(entry, name, port) for entry in hosts)


def _names(entry: str, host: str, port: int) -> bool:
    if "/" in entry:
        with contextlib.suppress(ValueError):
            return ipaddress.ip_address(host.strip("[]")) in ipaddress.ip_network(entry)
        return False
    if not entry.endswith("]") and ":" in entry:
        entry, _, at = entry.rpartition(":")
        if at != str(port):
            return False
    if not entry.startswith("*."):
        return entry == host
    return host.endswith(entry[1:]) and "xn--" not in host.removesuffix(entry[1:])


class Pairing:
    """A screen's credentials in a file. The refresh token is good once, so what is fetched is written back at once."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._held: Message = json.loads(file.read_text("utf-8"))
        self.url: str = self._held["serverUrl"]

    async def token(self, http: aiohttp.ClientSession, *, fresh: bool) -> str:
        """An access token; with `fresh` one that was never used."""
        if fresh:
            held = self._held
            refused = await self._ask(http, "refresh", {"refreshToken": held["refreshToken"]})
            if refused is not None and refused["status"] == 401:  # off for longer than a refresh token lasts
                device = {"screenId": held["screenId"], "deviceSecret": held["deviceSecret"]}
                refused = await self._ask(http, "device", device)
            if refused is not None:
                error = GivenUp if refused["status"] in {401, 403, 404} else ConnectionError
                raise error(in_words(refused))
        token: str = self._held["accessToken"]
        return token

    async def _ask(self, http: aiohttp.ClientSession, what: str, body: Message) -> Message | None:
        """Keeps the answer; what was refused is returned as the problem that it is."""
        async with http.post(f"{self.url}/api/auth/{what}", json=body) as answer:
            told: Message = await answer.json(content_type=None)
        if answer.status != 200:
            return told
        self._held |= told
        beside = self._file.with_suffix(".new")
        beside.touch(mode=0o600)
        beside.write_text(json.dumps(self._held) + "\n", "utf-8")
        beside.replace(self._file)
        return None


class Screen:
    """One session after another, for as long as the screen lives."""

    def __init__(self, pairing: Pairing) -> None:
        self._pairing = pairing
        self._shown: dict[tuple[str, int], Message] = {}
        self._newest: dict[int, int] = {}
        self._epoch = ""
        self._hosts: list[str] = []  # whose documents may be opened
        self._not_before = 0.0
        self._showing: dict[int, asyncio.Task[None]] = {}  # by display
        self._renewing: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Comes back after 100 ms, then half as much again each time, at most a second (five after a minute)."""
        attempt, since, used, fresh = 0, time.monotonic(), "", False
        async with aiohttp.ClientSession(timeout=FETCH) as http:
            while True:
                welcomed = False
                try:
                    token = await self._pairing.token(http, fresh=fresh)
                    if fresh and token == used:
                        raise GivenUp("This credential is not accepted. Bring a new one.")
                    used = token
                    welcomed, code = await self._session(http, token)
                    if code == REPLACED:
                        raise GivenUp("Another client took this screen's place.")
                    fresh = code in NO_CREDENTIAL
                    print(f"Lost the connection ({code}). Trying again.", flush=True)
                except (aiohttp.ClientError, ConnectionError, TimeoutError) as error:
                    print(f"No connection: {error}. Trying again.", flush=True)
                if welcomed:
                    attempt, since = 0, time.monotonic()
                longest = 1.0 if time.monotonic() - since < 60 else 5.0
                delay = min(longest, 0.1 * 1.5 ** min(attempt, 20)) * random.uniform(0.5, 1)
                await asyncio.sleep(max(delay, self._not_before))
                self._not_before = 0.0
                attempt += 1

    async def _session(self, http: aiohttp.ClientSession, token: str) -> tuple[bool, int]:
        """One session to its end: whether there was a welcome, and the code it was closed with."""
        welcomed, patience = False, GRACE_SECONDS
        async with http.ws_connect(f"{self._pairing.url}/ws", protocols=("vooster.v1",)) as socket:
            client = {"name": "vooster_client.py", "version": "1"}
            displays = [{"index": 0, "primary": True}]
            hello = {"client": client, "capabilities": ["shown"], "restore": True, "displays": displays}
            await socket.send_json({"type": "hello", "token": token, **hello})
            try:
                while True:
                    # A line that has died without a word is noticed by its silence: every heartbeat brings something.
                    frame = await socket.receive(timeout=patience)
                    if frame.type is not aiohttp.WSMsgType.TEXT:
                        return welcomed, socket.close_code or 1006
                    message: Message = json.loads(frame.data)
                    if message["type"] == "welcome":
                        welcomed, patience = True, message["heartbeatSeconds"] + GRACE_SECONDS
                    await self._heard(http, socket, message)
            finally:
                for display in list(self._showing):
                    self._stop(display)

    async def _heard(
        self, http: aiohttp.ClientSession, socket: aiohttp.ClientWebSocketResponse, message: Message
    ) -> None:
        match message["type"]:
            case "welcome":
                print(f"Connected to {message['plant']} as {message['screenId']}", flush=True)
                if message["epoch"] != self._epoch:  # what the appliance has forgotten is forgotten here too
                    self._shown.clear()
                    self._newest.clear()
                self._epoch = message["epoch"]
                self._hosts = message.get("documentHosts", [])
            case "ping":
                await socket.send_json({"type": "pong", "t": message["t"]})
            case "navigate":
                await self._navigate(http, socket, message)
            case "goodbye":
                self._not_before = message["reconnectAfterMs"] / 1000
            case "delivery":
                print(f"{message['triggerId']}: {message['state']}", flush=True)
            case "clear":
                self._put_away(message.get("displayIndex"))
            case "auth:expiring":
                self._renewing = asyncio.create_task(self._renew(http, socket))
            case "error":
                print(f"{message['code']}: {in_words(message)}", flush=True)
                if "displayIndex" in message:  # about a scan for it: nobody shall work from the paper before
                    self._put_away(message["displayIndex"])

    async def _renew(self, http: aiohttp.ClientSession, socket: aiohttp.ClientWebSocketResponse) -> None:
        try:
            token = await self._pairing.token(http, fresh=True)
            await socket.send_json({"type": "auth", "token": token})
        except (aiohttp.ClientError, ConnectionError, TimeoutError, GivenUp) as error:
            print(f"The token could not be renewed: {error}", flush=True)

    async def _navigate(
        self, http: aiohttp.ClientSession, socket: aiohttp.ClientWebSocketResponse, message: Message
    ) -> None:
        display, seq = message["displayIndex"], message["seq"]
        if not message.get("restored"):
            if seq < self._newest.get(display, 0):
                return
            self._newest[display] = seq
        await socket.send_json({"type": "ack", "id": message["id"], "status": "received"})
        # Not here: while a slow document comes, heartbeats have to be answered and a newer document may take its place.
        self._stop(display)
        self._showing[display] = asyncio.create_task(self._bring_up(http, socket, message))

    async def _bring_up(
        self, http: aiohttp.ClientSession, socket: aiohttp.ClientWebSocketResponse, message: Message
    ) -> None:
        """Shows the document and acks that, or says why it didn't work."""
        once, ack = (message["id"], message["round"]), {"type": "ack", "id": message["id"]}
        evidence = None if message.get("restored") else self._shown.get(once)
        try:
            evidence = evidence or await self._show(http, message)
        except PermissionError as error:
            print(f"{message['title']}: {error}", flush=True)
            ack |= {"status": "failed", "code": "DOCUMENT_URL_REFUSED", "detail": str(error)}
        except (aiohttp.ClientError, TimeoutError) as error:
            why = str(error) or "It took too long."
            print(f"{message['title']}: {why}", flush=True)
            ack |= {"status": "failed", "code": "DOCUMENT_LOAD_FAILED", "detail": why[:500]}
        else:
            self._shown[once] = evidence
            if len(self._shown) > 1_000:
                del self._shown[next(iter(self._shown))]
            ack |= {"status": "shown", **evidence}
        with contextlib.suppress(ConnectionError):  # a session that has ended meanwhile; the document comes again
            await socket.send_json(ack)

    def _put_away(self, display: int | None) -> None:
        """Stands for the monitor, too: yours closes the window of that display, or all."""
        for each in list(self._showing) if display is None else [display]:
            self._stop(each)
        print("The document is put away", flush=True)

    def _stop(self, display: int) -> None:
        if (before := self._showing.pop(display, None)) is not None:
            before.cancel()

    async def _show(self, http: aiohttp.ClientSession, message: Message) -> Message:
        """Stands for the monitor: fetches the document and says what it is. Yours opens a window here."""
        if not may_open(message["url"], self._hosts):
            raise PermissionError("This address isn't allowed.")
        async with http.get(message["url"], raise_for_status=True) as answer:
            size = len(await answer.read())
        where = f"{message['title']} on display {message['displayIndex']}"
        print(f"{where}: {message['contentType']}, {size} bytes", flush=True)
        return {"display": {"index": message["displayIndex"]}, "url": message["url"]}


async def trigger(url: str, screen_id: str, order_id: str) -> int:
    """Asks for a document and waits until it is on the monitor. Answers the exit code."""
    body = {"id": str(uuid.uuid4()), "timestamp": int(time.time() * 1000), "orderId": order_id, "screenId": screen_id}
    headers = {"Authorization": f"Bearer {os.environ['VOOSTER_KEY']}"}
    give_up_at = time.monotonic() + WAIT_MS / 1000
    patience = aiohttp.ClientTimeout(total=WAIT_MS / 1000 + 10)
    async with aiohttp.ClientSession(headers=headers, timeout=patience) as http:
        for attempt in itertools.count():
            try:
                async with http.post(f"{url}/api/trigger?wait=shown&timeoutMs={WAIT_MS}", json=body) as answer:
                    told: Message = await answer.json(content_type=None)
                break
            except (aiohttp.ClientError, TimeoutError) as error:
                if time.monotonic() > give_up_at:
                    print(
                        f"{order_id}: no answer. Look at the appliance and the network, then scan again.",
                        file=sys.stderr,
                    )
                    return 1
                # The same id again: where the first one was heard, this changes nothing.
                print(f"No answer: {error}. Trying again.", file=sys.stderr)
                await asyncio.sleep(min(1.0, 0.1 * 1.5 ** min(attempt, 20)))
    if answer.status not in {200, 202}:
        print(f"{order_id}: {told['code']}: {in_words(told)}", file=sys.stderr)
        return 1
    if told["result"] == "timeout":
        print(f"{order_id}: accepted, but not on the monitor in time. It goes on waiting: look at the screen.")
        return 1
    print(f"{order_id}: {told['result']}")
    return 0 if told["result"] in {"shown", "received"} else 1


def main(arguments: list[str]) -> int:
    match arguments:
        case ["screen", file]:
            try:
                asyncio.run(Screen(Pairing(Path(file))).run())
            except GivenUp as why:
                print(why, file=sys.stderr)
            except KeyboardInterrupt:
                return 0
            return 1
        case ["trigger", url, screen_id, order_id]:
            return asyncio.run(trigger(url, screen_id, order_id))
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
