"""The appliance's own addresses on the LAN, best first: for QR codes, for the terminal, and for mDNS to announce.

IPv4 alone: stations and phones on a factory LAN all have it, and a person can type it.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import struct
import sys
from collections.abc import Iterable
from enum import IntEnum, IntFlag
from typing import NamedTuple

import ifaddr

if sys.platform == "linux":
    import fcntl

_PRIVATE = tuple(ipaddress.IPv4Network(network) for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))

# Cards that lead to containers, virtual machines and tunnels. A phone on the LAN can't reach what is behind them. A
# plain bridge (`br0`) or a Hyper-V external switch may well carry the LAN, so neither is listed.
_VIRTUAL = re.compile(
    r"^(docker|podman|br-[0-9a-f]{12}$|veth|virbr|vnet|vmnet|vboxnet|lxcbr|lxdbr|cni|flannel|cali|kube|tun|tap|wg|utun|zt"
    r"|tailscale)|WSL|Default Switch|VirtualBox|VMware|TAP-Windows|WireGuard|Wintun|ZeroTier|Tailscale|OpenVPN",
    re.IGNORECASE,
)


class Reach(IntEnum):
    """How likely a phone or station reaches an address; lower is better."""

    PRIVATE = 0
    OTHER = 1
    VIRTUAL = 2
    LINK_LOCAL = 3
    LOOPBACK = 4


class Flags(IntFlag):
    """What a card can do and does (Linux `netdevice(7)`)."""

    UP = 0x1
    LOOPBACK = 0x8
    POINT_TO_POINT = 0x10
    RUNNING = 0x40
    MULTICAST = 0x1000

    @property
    def connected(self) -> bool:
        """Turned on, with a cable or a radio link."""
        return Flags.UP in self and Flags.RUNNING in self


_USUAL = Flags.UP | Flags.RUNNING | Flags.MULTICAST


class OwnAddress(NamedTuple):
    """One address, the card it is on (the operating system's short name), and who is likely to reach it."""

    ip: str
    interface: str
    reach: Reach


def own_addresses() -> list[OwnAddress]:
    """Every IPv4 address of this machine, best first; among equals the one on the way to the default gateway.

    Those of cards without a connection are left out, unless there are no others: nobody reaches them.
    """
    adapters = list(ifaddr.get_adapters())
    connected = [adapter for adapter in adapters if flags(adapter.name).connected]
    routed = _routed_address()
    found = rank(connected, routed)
    return found if any(own.reach < Reach.LOOPBACK for own in found) else rank(adapters, routed)


def flags(card: str) -> Flags:
    """A card's flags; where the system has no such question, those of a card as it should be.

    Windows lists no address of a card that isn't connected, so there is nothing to ask there.
    """
    if sys.platform != "linux":
        return _USUAL
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            answer = fcntl.ioctl(asking, 0x8913, struct.pack("16s24x", card.encode()[:15]))  # SIOCGIFFLAGS
        except OSError:  # gone since it was listed
            return Flags(0)
    return Flags(struct.unpack_from("H", answer, 16)[0])


def rank(adapters: Iterable[ifaddr.Adapter], routed: str | None = None) -> list[OwnAddress]:
    """The IPv4 addresses of `adapters`, best first, the operating system's order kept among equals but for `routed`."""
    found = [
        OwnAddress(ip.ip, ip.nice_name, reach(ip.ip, (adapter.name, adapter.nice_name, ip.nice_name)))
        for adapter in adapters
        for ip in adapter.ips
        if isinstance(ip.ip, str)
    ]
    return sorted(found, key=lambda own: (own.reach, own.ip != routed))


def lan_addresses() -> list[str]:
    """Addresses to print and put into QR codes, best first, never empty.

    Private IPv4 first, then other IPv4, then those of containers and virtual machines. Link-local ones only where there
    is nothing else, loopback only where there isn't even that.
    """
    return usable(own_addresses())


def usable(addresses: list[OwnAddress]) -> list[str]:
    """What `lan_addresses` says of `addresses` (best first)."""
    for worst in (Reach.VIRTUAL, Reach.LINK_LOCAL):
        chosen = [own.ip for own in addresses if own.reach <= worst]
        if chosen:
            return chosen
    return ["127.0.0.1"]


def best_address() -> str:
    """The one address a QR code carries."""
    return lan_addresses()[0]


def reach(ip: str, names: Iterable[str]) -> Reach:
    """Who is likely to reach an IPv4 address on the card of these names."""
    address = ipaddress.IPv4Address(ip)
    if address.is_loopback:
        return Reach.LOOPBACK
    if address.is_link_local:
        return Reach.LINK_LOCAL
    if any(_VIRTUAL.search(name) for name in names):
        return Reach.VIRTUAL
    return Reach.PRIVATE if any(address in network for network in _PRIVATE) else Reach.OTHER


def _routed_address() -> str | None:
    """The address this machine would use towards a far network. Connecting a datagram socket sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("198.51.100.1", 9))  # TEST-NET-2: nobody's
        except OSError:
            return None
        address: str = probe.getsockname()[0]
        return address
