from __future__ import annotations

import socket

import ifaddr
import pytest
from ifaddr import IP, Adapter

from appliance.adapters.addresses import Reach, best_address, lan_addresses, own_addresses, rank, usable


def card(name: str, *ips: str, connection: str = "") -> Adapter:
    """A network card as ifaddr describes it; `connection` is Windows' name for it."""
    return Adapter(name, name, [IP(ip, 24, connection or name) for ip in ips])


LO = card("lo", "127.0.0.1")
LAN = card("eth0", "192.168.0.10")
DOCKER = card("docker0", "172.17.0.1")


@pytest.mark.parametrize(
    ("adapters", "expected"),
    [
        pytest.param([LO, DOCKER, LAN], ["192.168.0.10", "172.17.0.1"], id="containers last"),
        pytest.param([LO, card("eth1", "203.0.113.5"), LAN], ["192.168.0.10", "203.0.113.5"], id="private first"),
        pytest.param([card("eth1", "203.0.113.5"), DOCKER], ["203.0.113.5", "172.17.0.1"], id="containers after all"),
        pytest.param([LO, card("eth0", "169.254.7.8")], ["169.254.7.8"], id="link-local where nothing else"),
        pytest.param([LO, card("eth1", "169.254.7.8"), LAN], ["192.168.0.10"], id="no link-local beside another"),
        pytest.param([LO], ["127.0.0.1"], id="loopback where nothing else"),
        pytest.param([], ["127.0.0.1"], id="no card at all"),
        pytest.param([card("eth0", "172.32.0.1"), LAN], ["192.168.0.10", "172.32.0.1"], id="172.32 is not private"),
    ],
)
def test_order(adapters: list[Adapter], expected: list[str]) -> None:
    assert usable(rank(adapters)) == expected


@pytest.mark.parametrize(
    "virtual",
    [
        card("br-0123456789ab", "172.18.0.1"),
        card("vethab12", "172.18.0.2"),
        card("virbr0", "192.168.122.1"),
        card("tailscale0", "100.64.0.1"),
        card("{GUID}", "172.20.0.1", connection="vEthernet (WSL (Hyper-V firewall))"),
        card("VirtualBox Host-Only Ethernet Adapter", "192.168.56.1"),
    ],
    ids=lambda adapter: adapter.name,
)
def test_virtual_cards_are_known(virtual: Adapter) -> None:
    assert [own.reach for own in rank([virtual])] == [Reach.VIRTUAL]


@pytest.mark.parametrize(
    "real", [card("br0", "10.0.0.1"), card("wlp3s0", "10.0.0.1"), card("{GUID}", "10.0.0.1", connection="Ethernet 2")]
)
def test_a_bridge_or_card_that_carries_the_lan_is_not_taken_for_virtual(real: Adapter) -> None:
    assert [own.reach for own in rank([real])] == [Reach.PRIVATE]


def test_among_equals_the_routed_one_comes_first() -> None:
    machines, office = card("eth0", "10.5.0.1"), card("eth1", "192.168.0.10")
    assert usable(rank([machines, office], routed="192.168.0.10")) == ["192.168.0.10", "10.5.0.1"]
    assert usable(rank([machines, office])) == ["10.5.0.1", "192.168.0.10"]


def test_a_route_through_a_tunnel_does_not_make_it_first() -> None:
    assert usable(rank([card("wg0", "10.9.0.2"), LAN], routed="10.9.0.2")) == ["192.168.0.10", "10.9.0.2"]


def test_ipv6_is_left_out() -> None:
    both = Adapter("eth0", "eth0", [IP(("fd00::1", 0, 0), 64, "eth0"), IP("10.0.0.1", 8, "eth0")])
    assert usable(rank([both])) == ["10.0.0.1"]


def test_this_machines_addresses_are_its_own() -> None:
    """Every address named can be listened on here, and none of the system's is forgotten."""
    for address in lan_addresses():
        with socket.socket() as listener:
            listener.bind((address, 0))
    system = {ip.ip for adapter in ifaddr.get_adapters() for ip in adapter.ips if isinstance(ip.ip, str)}
    assert {own.ip for own in own_addresses()} == system
    assert best_address() == lan_addresses()[0]
