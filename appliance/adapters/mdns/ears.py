"""Hears what is said on one card: sockets apart from those that speak, so that the appliance hears itself as another
program on this PC would, or finds that it doesn't."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import struct
import sys
from collections.abc import Callable
from typing import Any

from appliance.adapters.mdns.cards import Card
from appliance.adapters.mdns.packets import Told, read

PORT = 5353
_GROUP, _GROUP6 = "224.0.0.251", "ff02::fb"
_ALL, _ALL6 = 49, 29
"""Linux's IP_MULTICAST_ALL and IPV6_MULTICAST_ALL: on, as they are at first, a socket hears the groups that any other
program has joined, on every card."""


class Ears(asyncio.DatagramProtocol):
    """`hear` is called with each packet that is about appliances."""

    def __init__(self, hear: Callable[[Told], None]) -> None:
        self._hear = hear
        self._transports: list[asyncio.BaseTransport] = []
        self._closed = False

    async def open(self, card: Card) -> None:
        """Raises `OSError` when not one socket could be had."""
        loop = asyncio.get_running_loop()
        trouble: OSError | None = None
        for address in card.speaks:
            try:
                hearing = _socket(address, card.number)
            except OSError as error:
                trouble = error
                continue
            await loop.create_datagram_endpoint(lambda: self, sock=hearing)
        if not self._transports and trouble is not None:
            raise trouble

    def close(self) -> None:
        self._closed = True
        for transport in self._transports:
            transport.close()
        self._transports.clear()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self._closed:  # whoever was opening it has been cancelled meanwhile, and uvloop leaves it open
            transport.close()
        else:
            self._transports.append(transport)

    def datagram_received(self, data: bytes, _source: Any) -> None:
        told = read(data)
        if told is not None:
            self._hear(told)


def only_its_own(hearing: Any) -> None:
    """Keeps a socket to the cards whose group it has joined itself."""
    if sys.platform == "linux":
        hearing.setsockopt(socket.IPPROTO_IP, _ALL, 0)
        if hearing.family == socket.AF_INET6:
            with contextlib.suppress(OSError):  # Linux before 4.20 doesn't have it
                hearing.setsockopt(socket.IPPROTO_IPV6, _ALL6, 0)


def _socket(address: str, index: int) -> socket.socket:
    old = ipaddress.ip_address(address).version == 4
    hearing = socket.socket(socket.AF_INET if old else socket.AF_INET6, socket.SOCK_DGRAM)
    try:
        hearing.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "SO_REUSEPORT"):
            hearing.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if not old:
            hearing.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        only_its_own(hearing)
        hearing.setblocking(False)
        hearing.bind(("", PORT))
        if old:
            member = socket.inet_aton(_GROUP) + socket.inet_aton(address)
            hearing.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
        else:
            member = socket.inet_pton(socket.AF_INET6, _GROUP6) + struct.pack("@I", index)
            hearing.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, member)
    except OSError:
        hearing.close()
        raise
    return hearing
