"""Who counts as one stranger: an address, or with IPv6 the whole network that one machine chooses addresses from."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

_OWN_BITS = 64
"""Bits of an IPv6 address that its machine makes up by itself."""


@lru_cache(maxsize=4096)
def neighbourhood(address: str) -> str:
    """What limits count by: an IPv4 address, the /64 of an IPv6 one, or the text where it is neither."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is None:
            return str(ipaddress.ip_network((found, _OWN_BITS), strict=False))
        found = found.ipv4_mapped
    return str(found)
