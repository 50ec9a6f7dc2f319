"""Network addresses, as far as limits go by them."""

from __future__ import annotations

import ipaddress
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
    network = neighbourhood(address)
    return ((address, 1), (network, OF_A_NETWORK)) if "/" in network else ((network, 1),)


@lru_cache(maxsize=4096)
def neighbourhood(address: str) -> str:
    """Who counts as one stranger: an IPv4 address, the /64 of an IPv6 one, or the text where it is neither."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is None:
            return str(ipaddress.ip_network((found, 64), strict=False))
        found = found.ipv4_mapped
    return str(found)
