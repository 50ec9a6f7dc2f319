from __future__ import annotations

import pytest
from ifaddr import IP, Adapter

from appliance.adapters.addresses import Flags
from appliance.adapters.mdns.cards import Wanted, choose

GOOD = Flags.UP | Flags.RUNNING | Flags.MULTICAST
BOTH = Wanted(host="")


def card(name: str, *ips: str, connection: str = "", number: int = 2) -> Adapter:
    """As ifaddr describes it; `connection` is Windows' name for it."""
    made = [IP((ip, 0, number), 64, connection or name) if ":" in ip else IP(ip, 24, connection or name) for ip in ips]
    return Adapter(name, name, made, index=number)


def told(adapters: list[Adapter], wanted: Wanted = BOTH, **flags: Flags) -> dict[str, tuple[str, ...]]:
    """Which card announces what."""
    found = choose(adapters, wanted, lambda name: flags.get(name, GOOD))
    return {one.name: one.addresses for one in found}


LO = card("lo", "127.0.0.1", "::1", number=1)
LAN = card("eth0", "192.168.0.10", "fe80::1")
DOCKER = card("docker0", "172.17.0.1", "fe80::2")


@pytest.mark.parametrize(
    ("adapters", "expected"),
    [
        pytest.param([LO, DOCKER, LAN], ["eth0"], id="no containers beside the LAN"),
        pytest.param([LO, DOCKER], ["docker0"], id="containers where nothing else"),
        pytest.param([card("eth0", "169.254.7.8")], ["eth0"], id="link-local where nothing else"),
        pytest.param([card("eth1", "169.254.7.8"), LAN], ["eth0"], id="no link-local beside another"),
        pytest.param([card("eth1", "203.0.113.5"), LAN], ["eth0", "eth1"], id="two cards, the private one first"),
        pytest.param([card("eth0", "fd00::5", "fe80::1")], ["eth0"], id="IPv6 alone"),
        pytest.param([LO], [], id="loopback never"),
        pytest.param([], [], id="no card"),
    ],
)
def test_which_cards(adapters: list[Adapter], expected: list[str]) -> None:
    assert list(told(adapters, lo=GOOD | Flags.LOOPBACK)) == expected


@pytest.mark.parametrize(
    ("ips", "expected"),
    [
        (("10.0.0.1", "fe80::1"), ("10.0.0.1", "fe80::1")),
        (("10.0.0.1", "fe80::1", "fd00::1", "2001:db8::1"), ("10.0.0.1", "fe80::1", "fd00::1")),
        (("10.0.0.1", "fe80::1", "2001:db8::1"), ("10.0.0.1", "fe80::1", "2001:db8::1")),
        (("203.0.113.5", "fe80::1", "2001:db8::1"), ("203.0.113.5", "fe80::1")),
        (("10.0.0.1", "169.254.1.1"), ("10.0.0.1",)),
        (("2001:db8::1",), ("2001:db8::1",)),
    ],
    ids=["link-local", "the site's own", "the LAN's own", "an address of the internet", "no 169.254", "nothing else"],
)
def test_which_addresses(ips: tuple[str, ...], expected: tuple[str, ...]) -> None:
    assert told([card("eth0", *ips)])["eth0"] == expected


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("0.0.0.0", ("192.168.0.10",)),
        ("::", ("fe80::1",)),
        ("", ("192.168.0.10", "fe80::1")),
        ("192.168.0.10", ("192.168.0.10",)),
        ("127.0.0.1", ()),
    ],
)
def test_only_addresses_at_which_it_answers(host: str, expected: tuple[str, ...]) -> None:
    assert told([LAN], Wanted(host=host)) == {"eth0": expected}


def test_it_speaks_by_both_families_even_where_it_answers_by_one() -> None:
    (found,) = choose([LAN], Wanted(), lambda _name: GOOD)
    assert found[:4] == ("eth0", 2, ("192.168.0.10", "fe80::1"), ("192.168.0.10",))


@pytest.mark.parametrize(
    ("source", "here"),
    [
        ("192.168.0.77", True),
        ("192.168.1.77", False),
        ("169.254.7.8", False),
        ("fe80::77", True),
        ("fe80::77%eth0", True),
        ("fd00::77", True),
        ("fd00:0:0:1::77", False),
        ("2001:db8::77", False),
    ],
)
def test_who_is_on_the_same_link(source: str, *, here: bool) -> None:
    (found,) = choose([card("eth0", "192.168.0.10", "fe80::1", "fd00::1")], BOTH, lambda _name: GOOD)
    assert found.on_link(source) is here


def test_settings_name_cards_or_addresses() -> None:
    office = card("{GUID}", "10.9.0.1", "10.9.0.2", connection="Ethernet 2", number=3)
    assert told([LAN, office], Wanted(frozenset({"Ethernet 2"}))) == {"Ethernet 2": ("10.9.0.1", "10.9.0.2")}
    assert told([LAN, office], Wanted(frozenset({"10.9.0.2"}))) == {"Ethernet 2": ("10.9.0.2",)}
    assert told([LAN, DOCKER], Wanted(frozenset({"docker0"}))) == {"docker0": ("172.17.0.1",)}
    assert told([LAN], Wanted(frozenset({"enp9s0"}))) == {}


def test_a_card_without_a_cable_or_to_one_far_end_alone_is_left_out() -> None:
    line = card("ppp0", "10.64.0.2")
    assert told([LAN, card("eth1", "10.1.0.1"), line], Wanted(), eth1=Flags.UP, ppp0=GOOD | Flags.POINT_TO_POINT) == {
        "eth0": ("192.168.0.10",)
    }


def test_an_address_that_the_system_still_tries_out_is_none_yet() -> None:
    (found,) = choose([LAN], BOTH, lambda _name: GOOD, lambda _ip, _number: False)
    assert found.addresses == found.speaks == ("192.168.0.10",)


def test_a_card_that_does_no_multicast_is_kept_to_be_named() -> None:
    (found,) = choose([LAN], BOTH, lambda _name: Flags.UP | Flags.RUNNING)
    assert not found.multicast
