"""Hears what is said on one card: sockets apart from those that speak, so that the appliance hears itself as another
program on this PC would, or finds that it doesn't.

Nobody beyond a router has a say in names (RFC 6762, section 11). What was said to the group comes from this link,
whatever address its sender has: no router passes it on, and two networks may share one cable.
"""

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
_BY_GROUP = sys.platform == "linux"
"""Whether a socket may be bound to the group, and so hears nothing else. Elsewhere it hears what is said to this PC
alone, too, and can't tell which is which: there the sender has to have an address of the card's networks."""


class Ears(asyncio.DatagramProtocol):
    """`hear` is called with each packet on `card` that is about appliances."""

    def __init__(self, card: Card, hear: Callable[[Told], None]) -> None:
        self._card = card
        self._hear = hear
        self._transports: list[asyncio.BaseTransport] = []
        self._closed = False

    async def open(self) -> None:
        """Raises `OSError` when not one socket could be had."""
        loop = asyncio.get_running_loop()
        trouble: OSError | None = None
        for address in self._card.speaks:
            try:
                hearing = _socket(address, self._card.number)
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

    def datagram_received(self, data: bytes, source: Any) -> None:
        told = read(data)
        if told is not None and (_BY_GROUP or self._card.on_link(source[0])):
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
        if old:
            hearing.bind((_GROUP if _BY_GROUP else "", PORT))
            member = socket.inet_aton(_GROUP) + socket.inet_aton(address)
            hearing.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
        else:
            hearing.bind((_GROUP6, PORT, 0, index) if _BY_GROUP else ("", PORT))
            member = socket.inet_pton(socket.AF_INET6, _GROUP6) + struct.pack("@I", index)
            hearing.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, member)
    except OSError:
        hearing.close()
        raise
    return hearing
