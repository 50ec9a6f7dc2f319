"""Which certificate the appliance needs, and when it needs a new one: rules alone, so that clocks, addresses and names
can be tried as a table. Times are aware `datetime`s in UTC."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

BACKDATED: Final = timedelta(days=1)
"""A device whose clock is behind takes a certificate that was made just now."""
SERVER_LIFE: Final = timedelta(days=397)
"""The whole of it, backdating included: phones and browsers refuse a longer one."""
SERVER_RENEWED: Final = timedelta(days=30)
"""Left when it is renewed."""
AUTHORITY_LIFE: Final = timedelta(days=3652)
AUTHORITY_RENEWED: Final = timedelta(days=400)
"""Left when the local CA's own certificate is renewed: more than what it signs may live."""
ENDS_SOON: Final = timedelta(days=14)
"""Left of a certificate when people are told. One that renews itself never gets there."""
CLOCK_STOPPED: Final = datetime(2025, 1, 1, tzinfo=UTC)
"""A clock before this has lost its battery: nothing is renewed by it."""

NETWORKS: Final = tuple(
    ipaddress.ip_network(network)
    for network in (
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "127.0.0.0/8", "::1/128", "fc00::/7",
        "fe80::/10",
    )
)  # fmt: skip
DOMAINS: Final = ("local", "localhost", "lan", "internal", "home.arpa")
"""With `NETWORKS`, what the local CA may ever vouch for, beside what the plant's own settings named when it was made.
So whoever steals its key can't stand for a bank on the PCs that trust it."""

_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?"
_NAME: Final = re.compile(rf"(?:{_LABEL}\.)*{_LABEL}\Z")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Span(NamedTuple):
    """From when until when a certificate is good."""

    begins: datetime
    ends: datetime


def address_of(name: str) -> Address | None:
    """The IP address that `name` is, if it is one."""
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def clean(names: Iterable[str]) -> frozenset[str]:
    """Names and addresses as certificates write them; what can't stand in one is left out."""
    found = set()
    for given in names:
        name = given.strip().strip("[]").rstrip(".").lower()
        address = address_of(name)
        if address is not None:
            found.add(str(address))
            continue
        try:
            plain = name.encode("idna").decode() if not name.isascii() else name
        except UnicodeError:
            continue
        if len(plain) <= 253 and _NAME.match(plain):
            found.add(plain)
    return frozenset(found)


def is_permitted(name: str, networks: Iterable[Network], domains: Iterable[str]) -> bool:
    """Whether a CA limited to these may vouch for `name`."""
    address = address_of(name)
    if address is not None:
        return any(address in network for network in networks)
    return any(name == domain or name.endswith(f".{domain}") for domain in domains)


def covers(stated: Iterable[str], name: str) -> bool:
    """Whether a certificate that states these names is good for `name`; `*.example` stands for one label."""
    names = set(stated)
    return name in names or (address_of(name) is None and f"*.{name.partition('.')[2]}" in names)


def issuing_time(now: datetime) -> datetime:
    """The time to write into what is issued: a clock that has stopped would make it old at once for everybody else."""
    return max(now, CLOCK_STOPPED)


def authority_is_due(now: datetime, span: Span) -> bool:
    """Whether the CA's own certificate is to be made anew, with the same key. A clock that was ahead when it was made
    left one that isn't good yet."""
    return now >= CLOCK_STOPPED and (now < span.begins or span.ends - now < AUTHORITY_RENEWED)


def server_is_due(now: datetime, span: Span, stated: frozenset[str], wanted: frozenset[str]) -> bool:
    """Whether a new server certificate is needed. A name that is no longer wanted stays until the next one: a cable
    that is pulled for a moment makes no new certificate, twice."""
    if wanted - stated:
        return True
    return now >= CLOCK_STOPPED and (now < span.begins or span.ends - now < SERVER_RENEWED)


def grouped(fingerprint: bytes) -> str:
    """A fingerprint as people compare it: capital hexadecimal digits in groups of four."""
    digits = fingerprint.hex().upper()
    return " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))
