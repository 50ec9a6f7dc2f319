"""The attacker: a program that does one bad thing to a server for so long, from addresses of its own.

`python -m tests.bench.attacker PLAN`, a JSON object of `Plan`'s members. The addresses are 127.0.0.2 and on, which the
appliance takes for strangers' as it would those of a LAN. It prints `ready` once it is at it, and in the end JSON
(`Done`).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import resource
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass

import uvloop

AT_ONCE = 200
"""Connections it opens side by side."""
DRIP_SECONDS = 2.0
END_SECONDS = 3.0
"""How long what is under way at the end may take."""
PAUSE_SECONDS = 0.05
"""After a refusal, so that the attack costs the machine less than what it is to measure."""


@dataclass
class Plan:
    """`connections` is how many it holds, or works on side by side; `total` how many pairings it begins."""

    attack: str
    host: str
    port: int
    seconds: float
    addresses: int
    connections: int
    total: int = 10_000


@dataclass
class Done:
    """Connections opened, the most of them at a time, answers by status (0: closed without one)."""

    opened: int
    most: int
    answers: dict[str, int]
    cpu: float


class Attacker:
    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.end = time.monotonic() + plan.seconds
        self.opened = self.open = self.most = 0
        self.answers: Counter[str] = Counter()
        self.begun = 0
        self._gate = asyncio.Semaphore(AT_ONCE)

    @property
    def over(self) -> bool:
        return time.monotonic() >= self.end

    async def run(self, what: Callable[[Attacker, str, int], Awaitable[None]]) -> None:
        async def again(number: int) -> None:
            source = f"127.0.0.{2 + number % self.plan.addresses}"
            while not self.over:
                with contextlib.suppress(OSError, asyncio.IncompleteReadError, ValueError):
                    await what(self, source, number)
                await asyncio.sleep(PAUSE_SECONDS)

        tasks = [asyncio.create_task(again(number)) for number in range(self.plan.connections)]
        _, late = await asyncio.wait(tasks, timeout=self.plan.seconds + END_SECONDS)
        for task in late:
            task.cancel()

    @contextlib.asynccontextmanager
    async def connection(self, source: str):  # type: ignore[no-untyped-def]
        async with self._gate:
            reader, writer = await asyncio.open_connection(self.plan.host, self.plan.port, local_addr=(source, 0))
        self.opened += 1
        self.open += 1
        self.most = max(self.most, self.open)
        try:
            yield reader, writer
        finally:
            self.open -= 1
            writer.transport.abort()

    async def answer(self, reader: asyncio.StreamReader, patience: float) -> bytes:
        """Reads one answer and counts its status; empty when none came in time."""
        try:
            async with asyncio.timeout(patience):
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    (line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")), b":0"
                )
                body = await reader.readexactly(int(length.partition(b":")[2]))
        except TimeoutError:
            return b""
        except (asyncio.IncompleteReadError, ConnectionError):
            self.answers["0"] += 1
            raise
        self.answers[head[9:12].decode()] += 1
        return head + body


def _post(attacker: Attacker, path: str, body: bytes) -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\nHost: {attacker.plan.host}:{attacker.plan.port}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


async def slow_heads(attacker: Attacker, source: str, _number: int) -> None:
    """A request whose head never ends, a header every two seconds."""
    async with attacker.connection(source) as (reader, writer):
        writer.write(b"GET /api/health HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        while not attacker.over:
            writer.write(b"X-More: 1\r\n")
            if await attacker.answer(reader, DRIP_SECONDS):
                return


async def slow_bodies(attacker: Attacker, source: str, _number: int) -> None:
    """A sign-in whose body comes a byte every two seconds."""
    async with attacker.connection(source) as (reader, writer):
        writer.write(_post(attacker, "/api/auth/login", b" " * 8_000)[:-7_999])
        while not attacker.over:
            writer.write(b" ")
            if await attacker.answer(reader, DRIP_SECONDS):
                return


async def idle_sockets(attacker: Attacker, source: str, _number: int) -> None:
    """A WebSocket that never says who it is."""
    async with attacker.connection(source) as (reader, writer):
        writer.write(
            f"GET /ws HTTP/1.1\r\nHost: {attacker.plan.host}:{attacker.plan.port}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        if (await attacker.answer(reader, 5))[9:12] != b"101":
            return
        while not attacker.over:
            async with asyncio.timeout(max(0.1, attacker.end - time.monotonic())):
                if not await reader.read(4096):
                    return


async def pairings(attacker: Attacker, source: str, _number: int) -> None:
    """Codes that nobody ever approves."""
    body = b'{"client":{"name":"nobody","version":"1"},"displays":[]}'
    async with attacker.connection(source) as (reader, writer):
        while not attacker.over and attacker.begun < attacker.plan.total:
            attacker.begun += 1
            writer.write(_post(attacker, "/api/pairing/device", body))
            await attacker.answer(reader, 10)


async def passwords(attacker: Attacker, source: str, number: int) -> None:
    """Wrong passwords for ever new names, each of which costs 64 MB and a core while it is looked at."""
    async with attacker.connection(source) as (reader, writer):
        while not attacker.over:
            attacker.begun += 1
            body = b'{"username":"user-%d-%d","password":"correct horse"}' % (number, attacker.begun)
            writer.write(_post(attacker, "/api/auth/login", body))
            await attacker.answer(reader, 10)
            await asyncio.sleep(PAUSE_SECONDS)


async def requests(attacker: Attacker, source: str, _number: int) -> None:
    """As many requests as the connections carry."""
    call = f"GET /api/health HTTP/1.1\r\nHost: {attacker.plan.host}:{attacker.plan.port}\r\n\r\n".encode()
    async with attacker.connection(source) as (reader, writer):
        while not attacker.over:
            writer.write(call)
            await attacker.answer(reader, 10)


ATTACKS: dict[str, Callable[[Attacker, str, int], Awaitable[None]]] = {
    "slow heads": slow_heads,
    "slow bodies": slow_bodies,
    "idle sockets": idle_sockets,
    "pairings": pairings,
    "passwords": passwords,
    "requests": requests,
}


async def main(plan: Plan) -> None:
    attacker = Attacker(plan)
    print("ready", flush=True)
    await attacker.run(ATTACKS[plan.attack])
    used = resource.getrusage(resource.RUSAGE_SELF)
    done = Done(attacker.opened, attacker.most, dict(attacker.answers), used.ru_utime + used.ru_stime)
    print(json.dumps(asdict(done)), flush=True)


if __name__ == "__main__":
    uvloop.run(main(Plan(**json.loads(sys.argv[1]))))
