"""Addresses of documents on other machines: the one spelling of each that is taken, and lists of hosts.

Programs disagree about what an odd address means: `http://a\\@b/`, `http://0x7f.1/`, `http://127.0.0.1./` lead some
here and others there, and what was checked is then not what is opened. So an address counts only where its host is
spelt as every parser writes it; `web/src/lib/webaddress.ts` has the same rules for browsers, and asks theirs as well.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Iterable
from typing import Final, NamedTuple

MAX_LENGTH: Final = 2048
_START: Final = re.compile(
    r"(https?)://(\[[0-9a-f:]{2,39}\]|[a-z0-9_-]+(?:\.[a-z0-9_-]+)*)(?::([1-9][0-9]{0,4}))?(?=[/?#]|\Z)",
    re.IGNORECASE | re.ASCII,
)
_PLAIN: Final = re.compile(r"[!-\[\]-~]+\Z").match
"""ASCII without spaces, control characters and the backslash."""
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Zs", "Zl", "Zp"})
_NUMBER: Final = re.compile(r"[0-9]+\Z|0x[0-9a-f]*\Z").match
"""A last label that makes browsers read the whole host as an IPv4 address."""
_ENTRY: Final = re.compile(r"(?P<below>\*\.)?(?P<host>\[.*\]|[^:/?#\[\]]+)(:(?P<port>[0-9]+))?\Z")
PORTS: Final = {"http": 80, "https": 443}
_INTERNATIONAL: Final = "xn--"

IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


class WebAddress(NamedTuple):
    """Where an address leads: `host` in lower case, IPv6 in brackets; `port` is never left open."""

    scheme: str
    host: str
    port: int


def web_address(url: str) -> WebAddress | None:
    """Where `url` leads; None unless it is an absolute http(s) address that leaves no doubt about it."""
    if len(url) > MAX_LENGTH or not (_PLAIN(url) or _is_seen(url)):
        return None
    start = _START.match(url)
    if start is None:
        return None
    scheme, host, port = start[1].lower(), start[2].lower(), int(start[3] or 0)
    if port > 65535 or not (_is_ipv6(host) if host.startswith("[") else _is_name(host)):
        return None
    return WebAddress(scheme, host, port or PORTS[scheme])


class HostList:
    """Hosts that a person has named: `host`, `host:port`, `*.example.local` (what is below it), addresses, networks.

    A name without a port means all of its ports. Networks (`192.168.10.0/24`) are for addresses: names are never looked
    up. Raises `ValueError` with the entry that is none of these.
    """

    def __init__(self, entries: Iterable[str] = ()) -> None:
        self._exact: set[tuple[str, int | None]] = set()
        self._below: list[tuple[str, int | None]] = []
        self._networks: list[IpNetwork] = []
        self.entries = [self._add(entry.strip().lower()) for entry in entries]
        """As clients are told them: each in one spelling."""

    def __bool__(self) -> bool:
        return bool(self.entries)

    def names(self, address: WebAddress) -> bool:
        """Whether `address` is on the list."""
        host, port = address.host, address.port
        if (host, None) in self._exact or (host, port) in self._exact:
            return True
        if self._networks and (ip := ip_of(host)) is not None:
            return any(ip in network for network in self._networks)
        return any(
            host.endswith(suffix) and at in (None, port) and _INTERNATIONAL not in host.removesuffix(suffix)
            for suffix, at in self._below
        )

    def opens(self, url: str) -> bool:
        """Whether a document at `url` may be opened. An empty list takes every address but those of names in other
        scripts, which can look like any other name: they have to be listed, letter for letter (`xn--…`)."""
        address = web_address(url)
        if address is None:
            return False
        return self.names(address) if self.entries else _INTERNATIONAL not in address.host

    def _add(self, entry: str) -> str:
        network = _network(entry)
        if network is not None and network.num_addresses > 1:
            self._networks.append(network)
            return str(network)
        found = _ENTRY.match(entry if network is None else f"[{network.network_address}]")
        host = _host_of(found["host"]) if found else None
        port = int(found["port"]) if found and found["port"] else None
        if found is None or host is None or not (port is None or 0 < port < 65536):
            raise ValueError(entry)
        if found["below"] and ip_of(host) is not None:  # nothing is below an address
            raise ValueError(entry)
        if found["below"]:
            self._below.append((f".{host}", port))
        else:
            self._exact.add((host, port))
        return (found["below"] or "") + host + (f":{port}" if port else "")


def ip_of(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that a `WebAddress.host` is; None where it is a name."""
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None


def _host_of(text: str) -> str | None:
    """A host as `WebAddress` has it, of one that a person has written."""
    ip = ip_of(text)
    if ip is not None:
        return f"[{ip}]" if ip.version == 6 else str(ip)
    found = web_address(f"http://{text}")
    return found.host if found else None


def _network(entry: str) -> IpNetwork | None:
    try:
        return ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return None


def _is_seen(url: str) -> bool:
    """Whether all of it can be seen: nothing turns the order of its letters round or hides between them."""
    return bool(url) and "\\" not in url and not any(unicodedata.category(c) in _UNSEEN for c in url)


def _is_name(host: str) -> bool:
    labels = host.split(".")
    if _NUMBER(labels[-1]):
        return isinstance(ip_of(host), ipaddress.IPv4Address)
    return len(host) <= 253 and all(len(label) <= 63 for label in labels)


def _is_ipv6(host: str) -> bool:
    """Whether it is spelt as browsers write it, and isn't an IPv4 address in disguise."""
    ip = ip_of(host)
    return isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is None and f"[{ip}]" == host
