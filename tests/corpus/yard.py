"""Two servers on loopback for whatever the appliance fetches: one that sends callers wherever it is asked to, and one
that nobody may ever call."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import aiohttp

from appliance.adapters.outgoing import Outgoing
from appliance.core.webaddress import HostList
from appliance.errors import Problem

CODE = "ORDER_SOURCE_UNAVAILABLE"
_WORDS = {
    "redirects to elsewhere": "refused redirect",
    "redirects what is sent": "refused redirect",
    "doesn't call": "refused address",
}


@dataclass
class Yard:
    """`sends_on` and `trap` are their ports; `caught` counts who came to the second."""

    sends_on: int = 0
    trap: int = 0
    caught: int = 0

    async def _send_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            asked = urlsplit(head.split()[1])
            query = parse_qs(asked.query, keep_blank_values=True)
            if asked.path.startswith("/by/"):  # of a post, whose address has no question mark
                query = {"to": ["/inside"], "status": [asked.path.removeprefix("/by/")]}
            elif asked.path != "/on":
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\ninside")
            if query:
                there = query["to"][0].encode(errors="surrogateescape")
                status = query["status"][0].encode()
                writer.write(
                    b"HTTP/1.1 %s On\r\nLocation: %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                    % (status, there)
                )
            await writer.drain()
        writer.close()

    async def _catch(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.caught += 1
        writer.close()

    async def fetch(
        self, base: str, *parts: str, query: dict[str, str] | None = None, body: bytes | None = None, **options: object
    ) -> str:
        """What becomes of a call: `200`, or what it was refused for. Whoever comes to the trap was let through."""
        before = self.caught
        outcome = await self._outcome(base, parts, query, body, options)
        return outcome if self.caught == before else f"200 trapped, {outcome}"

    async def _outcome(
        self, base: str, parts: tuple[str, ...], query: dict[str, str] | None, body: bytes | None, options: object
    ) -> str:
        assert isinstance(options, dict)
        calls = None
        try:
            calls = Outgoing(base, code=CODE, seconds=2.0, **options)
            reply = await (calls.get(parts, query) if body is None else calls.post(parts, body))
        except Problem as problem:
            if problem.code != CODE:
                return f"refused {problem.code}"
            return next((word for said, word in _WORDS.items() if said in problem.detail), f"failed {problem.detail}")
        finally:
            if calls is not None:
                await calls.close()
        return str(reply.status)


class Names(aiohttp.abc.AbstractResolver):
    """A name server that says where `erp.example` is."""

    def __init__(self, *addresses: str) -> None:
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[aiohttp.abc.ResolveResult]:
        return [
            {
                "hostname": host,
                "host": address,
                "port": port,
                "family": socket.AF_INET6 if ":" in address else socket.AF_INET,
                "proto": 0,
                "flags": socket.AI_NUMERICHOST,
            }
            for address in self._addresses
        ]

    async def close(self) -> None:
        pass


LOOPBACK = HostList(["127.0.0.0/8"])


@contextlib.asynccontextmanager
async def opened() -> AsyncIterator[Yard]:
    yard = Yard()
    async with (
        await asyncio.start_server(yard._send_on, "127.0.0.1", 0) as sends_on,
        await asyncio.start_server(yard._catch, "127.0.0.1", 0) as trap,
    ):
        yard.sends_on, yard.trap = (server.sockets[0].getsockname()[1] for server in (sends_on, trap))
        yield yard
