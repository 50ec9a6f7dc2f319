from __future__ import annotations

from appliance.core.networks import OF_A_NETWORK, THIS_MACHINE, counted


def test_an_address_counts_by_itself() -> None:
    assert counted("192.168.0.7") == (("192.168.0.7", 1),)
    assert counted("::ffff:192.168.0.7") == counted("192.168.0.7")
    assert counted("local") == (("local", 1),)


def test_of_ipv6_its_network_counts_too_so_that_changing_addresses_gains_little() -> None:
    mine, other = counted("fd00:1:2:3::1"), counted("fd00:1:2:3:ffff::99")
    assert mine[0] != other[0]
    assert mine[1] == other[1] == ("fd00:1:2:3::/64", OF_A_NETWORK)
    assert counted("FE80:0::1%eth0") == (("fe80::1", 1), ("fe80::/64", OF_A_NETWORK))


def test_only_the_usual_loopback_addresses_are_this_machine() -> None:
    assert {"127.0.0.1", "::1"} < THIS_MACHINE
    assert "127.0.0.2" not in THIS_MACHINE
