"""Network addresses, as far as limits go by them."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

THIS_MACHINE: Final = frozenset({"127.0.0.1", "::1", "::ffff:127.0.0.1", "local"})
"""Where programs on the machine itself come from. Who picks another address of the loopback is counted as a stranger.
"""
OF_A_NETWORK: Final = 8
"""So many times as much as one address may a whole IPv6 network: it is one attacker's, or a whole plant's."""


@lru_cache(maxsize=4096)
def counted(address: str) -> tuple[tuple[str, int], ...]:
    """What something from `address` counts towards, each with how many times as much as one address it may have.

    Whoever has an IPv6 address has 2^64 of them, so that its network is counted, too; yet more generously, since a
    plant's machines share it.
    """
    plain = plain_address(address) or address
    network = neighbourhood(plain)
    return ((plain, 1), (network, OF_A_NETWORK)) if "/" in network else ((plain, 1),)


@lru_cache(maxsize=4096)
def neighbourhood(address: str) -> str:
    """Who counts as one stranger: an IPv4 address, the /64 of an IPv6 one, or the text where it is neither."""
    plain = plain_address(address)
    return str(ipaddress.ip_network((plain, 64), strict=False)) if ":" in plain else plain or address


@lru_cache(maxsize=4096)
def plain_address(text: str) -> str:
    """An address in the one spelling that stands for it, without a zone, an IPv4 one in its own form; empty for what is
    none."""
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return str(mapped or found)


class Networks:
    """Addresses and whole networks, as the settings name them: what is `in` them, however it is spelt."""

    def __init__(self, entries: Iterable[str] = ()) -> None:
        self._wide = []
        self._single = set()
        for entry in entries:
            plain = plain_address(entry)
            if plain:
                self._single.add(plain)
            else:
                self._wide.append(ipaddress.ip_network(entry))

    def __contains__(self, address: object) -> bool:
        plain = plain_address(address) if isinstance(address, str) else ""
        if plain in self._single:
            return True
        return bool(self._wide and plain) and any(ipaddress.ip_address(plain) in network for network in self._wide)
