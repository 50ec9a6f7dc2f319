"""The appliance's own addresses on the LAN, best first: for QR codes, for the terminal, and for mDNS to announce.

IPv4 alone: stations and phones on a factory LAN all have it, and a person can type it.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable
from enum import IntEnum
from typing import NamedTuple

import ifaddr

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


class OwnAddress(NamedTuple):
    """One address, the card it is on (the operating system's short name), and who is likely to reach it."""

    ip: str
    interface: str
    reach: Reach


def own_addresses() -> list[OwnAddress]:
    """Every IPv4 address of this machine, best first; among equals the one on the way to the default gateway."""
    return rank(ifaddr.get_adapters(), _routed_address())


def rank(adapters: Iterable[ifaddr.Adapter], routed: str | None = None) -> list[OwnAddress]:
    """The IPv4 addresses of `adapters`, best first, the operating system's order kept among equals but for `routed`."""
    found = [
        OwnAddress(ip.ip, ip.nice_name, _reach(ip.ip, (adapter.name, adapter.nice_name, ip.nice_name)))
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


def _reach(ip: str, names: Iterable[str]) -> Reach:
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
