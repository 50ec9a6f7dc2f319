"""Which network card announces which addresses: each segment hears those that it can reach, and no others."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterable
from typing import NamedTuple

import ifaddr

from appliance.adapters.addresses import Flags, Reach, flags, reach

_ULA = ipaddress.IPv6Network("fc00::/7")
_EVERYWHERE = {"", "0.0.0.0", "::"}  # noqa: S104 - compared, not bound
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Card(NamedTuple):
    """One card as it is now. `name` and `number` are the system's.

    `speaks` are the addresses it sends from, one of each family at least where it has one: a station may listen by
    either. `addresses` are those that the appliance can be opened at, to be announced. `networks` are those that it is
    on, by every address it has.
    """

    name: str
    number: int
    speaks: tuple[str, ...]
    addresses: tuple[str, ...]
    multicast: bool = True
    networks: frozenset[Network] = frozenset()

    def on_link(self, source: str) -> bool:
        """Whether `source` is an address of this segment (RFC 6762, section 11), as a packet's sender gives it."""
        address = ipaddress.ip_address(source.partition("%")[0])
        return any(address in network for network in self.networks)


class Wanted(NamedTuple):
    """What the settings say: the cards (or addresses) to announce on, none named meaning all that lead to the LAN; and
    where the appliance listens, as `server.host` has it."""

    interfaces: frozenset[str] = frozenset()
    host: str = "0.0.0.0"  # noqa: S104 - compared, not bound


class _Found(NamedTuple):
    card: Card
    reach: Reach


def look(wanted: Wanted) -> tuple[list[Card], frozenset[str]]:
    """The cards to announce on now, the best first, and every address this machine has."""
    adapters = list(ifaddr.get_adapters())
    own = {ip.ip if isinstance(ip.ip, str) else ip.ip[0].partition("%")[0] for a in adapters for ip in a.ips}
    return choose(adapters, wanted, flags, _usable), frozenset(own)


def choose(
    adapters: Iterable[ifaddr.Adapter],
    wanted: Wanted,
    flags_of: Callable[[str], Flags],
    usable: Callable[[str, int], bool] = lambda _ip, _index: True,
) -> list[Card]:
    """Those `wanted` names, else those that lead to the LAN.

    Never loopback, never one without a connection. Containers' and virtual machines' networks only where there is no
    other: told to everybody, their addresses would be tried by phones that can't reach them.
    """
    found = [one for adapter in adapters if (one := _card(adapter, wanted, flags_of, usable)) is not None]
    found.sort(key=lambda one: one.reach)
    if wanted.interfaces:
        return [one.card for one in found]
    for worst in (Reach.OTHER, Reach.VIRTUAL, Reach.LINK_LOCAL):
        chosen = [one.card for one in found if one.reach <= worst]
        if chosen:
            return chosen
    return []


def _card(
    adapter: ifaddr.Adapter,
    wanted: Wanted,
    flags_of: Callable[[str], Flags],
    usable: Callable[[str, int], bool],
) -> _Found | None:
    can = flags_of(adapter.name)
    short = adapter.ips[0].nice_name if adapter.ips else adapter.name
    names = (adapter.name, adapter.nice_name, short)
    named = bool(wanted.interfaces.intersection(names))
    if not can.connected or Flags.LOOPBACK in can or (Flags.POINT_TO_POINT in can and not named):
        return None
    index = int(adapter.index or 0)
    old = {ip.ip: reach(ip.ip, names) for ip in adapter.ips if isinstance(ip.ip, str)}
    new = [ip.ip[0].partition("%")[0] for ip in adapter.ips if not isinstance(ip.ip, str)]
    new = [address for address in new if not ipaddress.ip_address(address).is_loopback and usable(address, index)]
    if wanted.interfaces and not named:  # one of its addresses may be named
        old = {ip: how for ip, how in old.items() if ip in wanted.interfaces}
        new = [ip for ip in new if ip in wanted.interfaces]
    best = min(old.values(), default=Reach.OTHER if any(map(_lasting, new)) else Reach.LINK_LOCAL)
    four = [ip for ip, how in old.items() if how == best]
    if best >= Reach.LOOPBACK or not (four or new):
        return None
    from_new = sorted(new, key=lambda address: not ipaddress.ip_address(address).is_link_local)[:1]
    card = Card(
        short,
        index,
        (*four, *from_new),
        tuple(_served([*four, *_of_the_lan(new, best)], wanted.host)),
        Flags.MULTICAST in can,
        frozenset(map(_network, adapter.ips)),
    )
    return _Found(card, best)


def _network(ip: ifaddr.IP) -> Network:
    address = ip.ip if isinstance(ip.ip, str) else ip.ip[0].partition("%")[0]
    return ipaddress.ip_network(f"{address}/{ip.network_prefix}", strict=False)


def _of_the_lan(addresses: list[str], best: Reach) -> list[str]:
    """The IPv6 addresses that the segment may be told: its own, and one of the internet's only on the LAN's own card,
    where there is no lasting one of the site's."""
    local = [ip for ip in addresses if _is_local(ip)]
    if any(map(_lasting, local)) or best > Reach.PRIVATE:
        return local or addresses
    return [*local, *(ip for ip in addresses if ip not in local)]


def _is_local(address: str) -> bool:
    return ipaddress.ip_address(address).is_link_local or _is_ula(address)


def _is_ula(address: str) -> bool:
    return ipaddress.ip_address(address) in _ULA


def _lasting(address: str) -> bool:
    return not ipaddress.ip_address(address).is_link_local


def _served(addresses: list[str], host: str) -> list[str]:
    """Those at which an appliance that listens on `host` answers."""
    if host not in _EVERYWHERE:
        return [ip for ip in addresses if ip == host]
    family = {"0.0.0.0": 4, "::": 6}.get(host)  # noqa: S104 - compared, not bound
    return [ip for ip in addresses if family is None or ipaddress.ip_address(ip).version == family]


def _usable(address: str, index: int) -> bool:
    """Whether an IPv6 address can be spoken from already: a new one is tried out by the system for a second or two."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as trying:
        try:
            trying.bind((address, 0, 0, index if ipaddress.ip_address(address).is_link_local else 0))
        except OSError:
            return False
    return True
