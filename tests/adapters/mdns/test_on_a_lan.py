"""Found by the Debian world's own mDNS client, on a LAN of network namespaces."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.adapters.mdns.announcing import SERVICE, Appliance
from tests.lan import Host, Lan, lan_of_namespaces, until  # noqa: F401

A, ANY = 1, 255
ANSWER_ME = 0x8001

# Answers for a name without asking whose it is, and goes on whoever else does.
STUBBORN = """
import socket, sys, time
from zeroconf import DNSAddress, DNSOutgoing
out = DNSOutgoing(0x8400)
out.add_answer_at_time(DNSAddress("vooster.local.", 1, 0x8001, 120, socket.inet_aton(sys.argv[1])), 0)
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(sys.argv[1]))
for _ in range(60):
    sock.sendto(out.packets()[0], ("224.0.0.251", 5353))
    time.sleep(0.4)
"""

# Claims the name in one packet with a service of its own, on the port appliances have, that says no more of itself.
HALF_TOLD = STUBBORN.replace(
    "sock = ",
    """from zeroconf import DNSService
printer = DNSService("printer._vooster._tcp.local.", 33, 0x8001, 120, 0, 0, 8480, "printer.local.")
out.add_answer_at_time(printer, 0)
sock = """,
    1,
)

# Claims the name to the machine with the second address alone, from the first one and from many ports: which of the
# sockets there gets a packet hangs on that. Prints a line when it has gone on for five seconds.
TO_ONE_ALONE = """
import socket, sys, time
from zeroconf import DNSAddress, DNSOutgoing
out = DNSOutgoing(0x8400)
out.add_answer_at_time(DNSAddress("vooster.local.", 1, 0x8001, 120, socket.inet_aton("10.77.0.66")), 0)
for _ in range(10):
    for _ in range(8):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind((sys.argv[1], 0))
            sock.sendto(out.packets()[0], (sys.argv[2], 5353))
    time.sleep(0.5)
print("said", flush=True)
"""

# Claims the name, from the first address to the second alone. From many ports: which of the sockets there gets a packet
# hangs on them. A second is long enough to be told off and go on nevertheless.
TO_ONE_ALONE = """
import socket, sys, time
from zeroconf import DNSAddress, DNSOutgoing
out = DNSOutgoing(0x8400)
out.add_answer_at_time(DNSAddress("vooster.local.", 1, 0x8001, 120, socket.inet_aton("10.77.0.66")), 0)
for _ in range(6):
    for _ in range(8):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind((sys.argv[1], 0))
            sock.sendto(out.packets()[0], (sys.argv[2], 5353))
    time.sleep(0.4)
"""

# Asks for vooster.local by the question's type and class, as the machine with this address, and prints the addresses
# that it is told by anybody within a second and a half.
ASKER = """
import json, select, socket, sys, time
from zeroconf import DNSAddress, DNSIncoming, DNSOutgoing, DNSQuestion
own, kind, how = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
def made(address):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    s.bind((address, 5353))
    return s
to_all, to_me = made(""), made(own)
to_all.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton("224.0.0.251") + socket.inet_aton(own))
to_me.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(own))
out = DNSOutgoing(0)
out.add_question(DNSQuestion("vooster.local.", kind, how))
if kind == 255:
    out.authorities.append(DNSAddress("vooster.local.", 1, 1, 120, socket.inet_aton(own)))
to_me.sendto(out.packets()[0], ("224.0.0.251", 5353))
told, end = set(), time.monotonic() + 1.5
while (left := end - time.monotonic()) > 0:
    for s in select.select([to_all, to_me], [], [], left)[0]:
        packet = DNSIncoming(s.recv(9000))
        if not packet.is_query():
            told |= {socket.inet_ntoa(r.address) for r in packet.answers() if r.key == "vooster.local." and r.type == 1}
print(json.dumps(sorted(told)))
"""


def asked(machine: Host, kind: int, how: int = 1) -> list[str]:
    """What `machine` is told when it asks for vooster.local."""
    told: list[str] = json.loads(machine.run(sys.executable, "-c", ASKER, machine.address, str(kind), str(how)).stdout)
    return told


def test_avahi_finds_resolves_and_sees_it_leave(lan: Lan) -> None:
    """Under a name of 120 bytes, with an avahi on the same machine too."""
    ours, client = lan.host(), lan.host()
    with ours.avahi("factory-pc") as own, client.avahi() as avahi:
        appliance = Appliance(ours, name="가" * 40, tls=True, port=9999)
        assert appliance.well()["status"] == {
            "ok": True,
            "host": "vooster.local",
            "name": "가" * 21,
            "addresses": [ours.address],
        }
        for browser in (avahi, own):
            (found,) = browser.browse(SERVICE)
            assert found._asdict() == {
                "instance": "가" * 21,
                "host": "vooster.local",
                "address": ours.address,
                "port": 9999,
                "txt": {"id": f"id-{ours.number}", "v": "0.1.0", "proto": "1", "tls": "1", "path": "/"},
            }
        assert avahi.resolve("vooster.local") == ours.address
        assert avahi.resolve("factory-pc.local") == ours.address

        with avahi.watch(SERVICE) as watch:
            assert watch.stdout is not None
            alarm = threading.Timer(10, watch.kill)  # no goodbye: the line read below comes back empty
            alarm.start()
            assert watch.stdout.readline().startswith("+;eth0;IPv4;")
            began = time.monotonic()
            appliance.stop()
            assert time.monotonic() - began < 3
            assert watch.stdout.readline().startswith("-;eth0;IPv4;")
            alarm.cancel()
            watch.kill()
        assert avahi.browse(SERVICE) == []


def test_avahi_finds_the_running_appliance(lan: Lan, tmp_path: Path) -> None:
    """`vooster serve` as it is run, found by name from another machine and answering there, to that name alone."""
    ours, client = lan.host(), lan.host()
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    run = (sys.executable, "-c", "from appliance.cli.main import main; main()")
    server = ours.start(*run, "serve", "--data-dir", str(tmp_path), "--port", "8481", env=environ)
    with client.avahi() as avahi:
        (found,) = until(lambda: avahi.browse(SERVICE), "avahi finds the appliance", 30)
        assert (found.host, found.address, found.port) == ("vooster.local", ours.address, 8481)

        def ask(host: str) -> str:
            call = (
                "import urllib.request as u, urllib.error\n"
                f"r = u.Request('http://{found.address}:8481/.well-known/vooster', headers={{'Host': {host!r}}})\n"
                "try: print(u.urlopen(r).read().decode())\nexcept urllib.error.HTTPError as e: print(e.code)"
            )
            return client.run(sys.executable, "-c", call).stdout.strip()

        told = json.loads(ask("vooster.local:8481"))
        assert found.txt == {
            "id": told["instanceId"],
            "v": told["version"],
            "proto": str(told["protocol"]),
            "tls": "0",
            "path": "/",
        }
        assert (told["host"], told["address"]) == ("vooster.local", f"{ours.address}:8481")
        assert ask("vooster-2.local:8481") == "421"
        server.terminate()
        assert server.wait(15) == 0
        until(lambda: not avahi.browse(SERVICE), "avahi forgets what said goodbye", 5)


def test_two_started_together_settle_on_two_names_and_keep_them(lan: Lan) -> None:
    one, two, client = lan.host(), lan.host(), lan.host()
    later = Appliance(two)
    first = Appliance(one)
    until(lambda: {first.status()["host"], later.status()["host"]} == {"vooster.local", "vooster-2.local"}, "two names")
    at = {first.status()["host"]: one, later.status()["host"]: two}
    with client.avahi() as avahi:
        until(
            lambda: (
                {(f.host, f.instance, f.address) for f in avahi.browse(SERVICE)}
                == {
                    ("vooster.local", "제1공장", at["vooster.local"].address),
                    ("vooster-2.local", "제1공장-2", at["vooster-2.local"].address),
                }
            ),
            "avahi finds both",
        )
    (other,) = first.facts("listen")["others"]
    assert (other["host"], other["instanceId"]) == (later.status()["host"], f"id-{two.number}")

    renamed = first if first.status()["host"] == "vooster-2.local" else later
    assert renamed.facts()["kept"] == [2]
    for appliance in (first, later):
        appliance.stop()
    again = Appliance(at["vooster-2.local"], number=2)  # the first one up after a power cut
    assert again.announced()["host"] == "vooster-2.local"


@pytest.mark.long
def test_later_appliances_take_the_next_names(lan: Lan) -> None:
    """On another machine and on the same one, where the ports tell them apart."""
    one, two, client = lan.host(), lan.host(), lan.host()
    Appliance(one, port=8480).announced()
    Appliance(one, port=8481, instance_id="second").announced()
    Appliance(two, port=8480).announced()
    with client.avahi() as avahi:
        assert {(f.instance, f.host, f.address, f.port) for f in avahi.browse(SERVICE)} == {
            ("제1공장", "vooster.local", one.address, 8480),
            ("제1공장-2", "vooster-2.local", one.address, 8481),
            ("제1공장-3", "vooster-3.local", two.address, 8480),
        }


def test_one_after_another_beside_a_foreign_host_that_has_the_name(lan: Lan) -> None:
    one, two, foreign = lan.host(), lan.host(), lan.host()
    with foreign.avahi("vooster") as avahi:
        assert Appliance(one).announced()["host"] == "vooster-2.local"
        assert Appliance(two).announced()["host"] == "vooster-3.local"
        assert avahi.resolve("vooster.local") == foreign.address
        assert avahi.resolve("vooster-2.local") == one.address
        assert avahi.resolve("vooster-3.local") == two.address


def test_whoever_comes_later_and_asks_is_told_that_the_name_is_taken(lan: Lan) -> None:
    """A foreign host; and one that doesn't ask gets it in the end."""
    ours, foreign, rude = lan.host(), lan.host(), lan.host()
    appliance = Appliance(ours)
    appliance.well()
    assert asked(rude, ANY) == [ours.address], "whoever is about to take the name is told whose it is"
    with foreign.avahi("vooster", named="vooster-2") as avahi:
        assert avahi.resolve("vooster.local") == ours.address
        assert appliance.status()["host"] == "vooster.local"
        environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
        rude.start(sys.executable, "-c", STUBBORN, rude.address, env=environ)
        appliance.called("vooster-3.local")
        until(lambda: avahi.resolve("vooster-3.local") == ours.address, "it is found under its new name")


def test_a_claim_is_heard_beside_a_service_that_might_be_its_own(lan: Lan) -> None:
    ours, rude = lan.host(), lan.host()
    appliance = Appliance(ours)
    appliance.well()
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    rude.start(sys.executable, "-c", HALF_TOLD, rude.address, env=environ)
    appliance.called("vooster-2.local")


@pytest.mark.parametrize("elsewhere", [False, True], ids=["hears the group alone", "hears whatever is said to it"])
def test_nobody_beyond_a_router_has_a_say_in_names(lan: Lan, *, elsewhere: bool) -> None:
    ours, other = lan.host(), lan.host()
    ours.give("10.77.0.101/24")  # not spoken from, so what is said to it is for whoever hears everything
    other.give("10.99.0.5/32")
    appliance = Appliance(ours, interfaces=[ours.address], elsewhere=elsewhere)
    appliance.well()
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}

    def says(program: str, *argv: str) -> str:
        other.start(sys.executable, "-c", program, *argv, env=environ).wait(30)
        return str(appliance.status()["host"])

    assert says(TO_ONE_ALONE, "10.99.0.5", "10.77.0.101") == "vooster.local"
    if elsewhere:
        assert says(TO_ONE_ALONE, other.address, "10.77.0.101") == "vooster-2.local"
    else:  # two networks on one cable: what is said to the group is from this link, whatever the sender's address
        other.start(sys.executable, "-c", STUBBORN, "10.99.0.5", env=environ)
        appliance.called("vooster-2.local")


def test_cards_and_addresses_come_and_go(lan: Lan) -> None:
    ours, client = lan.host(plugged=False), lan.host()
    appliance = Appliance(ours)
    assert appliance.trouble() == "No network card with a LAN address."
    address = lan.plug(ours)
    assert appliance.announced()["ok"]
    with client.avahi() as avahi:
        assert avahi.resolve("vooster.local") == address

        ours.give("10.77.0.99/25")  # not of the other's net, which goes as one
        ours.take(f"{address}/24")
        began = time.monotonic()
        until(lambda: avahi.resolve("vooster.local") == "10.77.0.99", "the new address is the one that is told")
        assert time.monotonic() - began < 6
        assert [(f.host, f.address) for f in avahi.browse(SERVICE)] == [("vooster.local", "10.77.0.99")]

        ours.link("down")
        assert appliance.trouble() == "No network card with a LAN address."
        assert appliance.status()["host"] is None
        ours.link("up")
        appliance.called("vooster.local")
    log = [json.loads(line) for line in appliance.stop().splitlines()]
    assert [line["level"] for line in log] == ["warning", "info", "info", "warning", "info"], log


def test_each_segment_hears_its_own_addresses_alone(lan: Lan) -> None:
    """On a machine without IPv6, whose sockets hear every card unless they are told not to."""
    ours, here, there = lan.host(), lan.host(), lan.host(switch=1)
    ours.run("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1")
    second = lan.plug(ours, "eth1", switch=1)
    appliance = Appliance(ours)
    assert {card["name"]: card["addresses"] for card in appliance.well()["cards"]} == {
        "eth0": [ours.address],
        "eth1": [second],
    }
    with here.avahi() as near, there.avahi() as far:
        for avahi, address in ((near, ours.address), (far, second)):
            assert [(f.host, f.address) for f in avahi.browse(SERVICE)] == [("vooster.local", address)]
            assert avahi.resolve("vooster.local") == address
        assert asked(there, A, ANSWER_ME) == [second], "and who asks for an answer to himself alone hears no other"
        assert asked(here, A, ANSWER_ME) == [ours.address]
        ours.link("down", card="eth1")
        until(lambda: appliance.addresses() == [ours.address], "the card without a cable is left out")
        assert near.resolve("vooster.local") == ours.address


@pytest.mark.long
def test_two_networks_that_become_one(lan: Lan) -> None:
    one, two, client = lan.host(), lan.host(switch=1), lan.host()
    first, second = Appliance(one), Appliance(two)
    assert first.announced()["host"] == second.announced()["host"] == "vooster.local"
    lan.join()
    with client.avahi() as avahi:
        avahi.resolve("vooster.local")  # somebody asks, and both answer
        until(lambda: {first.status()["host"], second.status()["host"]} == {"vooster.local", "vooster-2.local"}, "two")


def test_ipv6_where_the_appliance_is_served_there(lan: Lan) -> None:
    ours, client = lan.host(), lan.host()
    ours.give("fd77::1/64")
    client.give("fd77::2/64")
    appliance = Appliance(ours, host="")
    until(lambda: "fd77::1" in appliance.addresses(), "the site's own address is announced")
    with client.avahi(ipv6=True) as avahi:
        found = [avahi.resolve("vooster.local", 6), avahi.resolve("vooster.local", 4)]
        assert (found[0] or "").startswith(("fd77::1", "fe80:"))
        assert found[1] == ours.address


def test_multicast_that_is_turned_off_is_named(lan: Lan) -> None:
    host = lan.host()
    host.link("multicast", "off")
    appliance = Appliance(host)
    assert appliance.trouble() == "Network card eth0 does no multicast."
    host.link("multicast", "on")
    assert appliance.announced()["ok"]


def test_an_echo_that_does_not_come_is_noticed_and_named(lan: Lan) -> None:
    """As if a firewall kept it out."""
    host = lan.host()
    appliance = Appliance(host, deaf=True)
    until(lambda: appliance.status().get("code") == "NOT_HEARD", "it notices that it isn't heard", 20)
    assert appliance.status()["host"] == "vooster.local"
    assert "UDP port 5353" in appliance.facts()["problem"]["action"]["en"]


def test_a_port_held_by_another_is_named(lan: Lan) -> None:
    host = lan.host()
    _holding(host)
    appliance = Appliance(host)
    assert appliance.trouble() == "UDP port 5353 can't be used: Address already in use"
    assert "Traceback" not in appliance.stop()


@pytest.mark.long
def test_announced_on_the_named_card_alone_and_only_where_it_answers(lan: Lan) -> None:
    host = lan.host()
    lan.plug(host, "eth1", switch=1)
    assert Appliance(host, interfaces=["eth0"]).announced()["addresses"] == [host.address]
    lost = Appliance(host, interfaces=["enp9s0"], instance_id="lost", port=8482)
    assert lost.trouble() == "No network card with a LAN address among discovery.interfaces (enp9s0)."
    alone = Appliance(host, host="127.0.0.1", instance_id="alone", port=8481)
    assert alone.trouble() == "It is set to be opened on this PC alone (server.host: 127.0.0.1)."


def _holding(host: Host) -> None:
    """A program that keeps the port to itself."""
    holder = host.start(
        sys.executable,
        "-c",
        "import socket, sys\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.bind(('', 5353))\n"
        "print('held', flush=True)\nsys.stdin.read()",
    )
    assert holder.stdout and holder.stdout.readline() == "held\n"
