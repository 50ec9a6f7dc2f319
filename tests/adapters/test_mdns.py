from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from appliance.adapters.addresses import OwnAddress, Reach
from appliance.adapters.mdns import Announcer, announced, instance_label
from tests.lan import Host, Lan, lan_of_namespaces, until  # noqa: F401

SERVICE = "_vooster._tcp"

# An announcer alone in a host: each line it reads asks for its status, the end of its input asks it to stop.
PROGRAM = """
import asyncio, json, sys
import uvloop
from appliance import log
from appliance.adapters import mdns

async def main():
    log.configure("json", "info")
    mdns._RETRY_SECONDS = 0.3
    announcer = mdns.Announcer(**json.loads(sys.argv[1]))
    await announcer.start()
    while await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps(announcer.status()), flush=True)
    await announcer.stop()

uvloop.run(main())
"""


class Appliance:
    """An announcer in a host of its own."""

    def __init__(self, host: Host, name: str = "제1공장", **more: Any) -> None:
        settings = {"instance_id": "abc", "name": name, "version": "0.1.0", "port": 8480, "tls": False} | more
        environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        self.process = host.start(sys.executable, "-c", PROGRAM, json.dumps(settings), env=environ)

    def status(self) -> dict[str, Any]:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    def announced(self) -> dict[str, Any]:
        return until(lambda: (s := self.status())["addresses"] and s, "the appliance is announced")

    def trouble(self) -> str:
        return str(until(lambda: self.status().get("detail"), "the appliance says what is wrong"))

    def stop(self) -> str:
        """Ends it the graceful way; what it logged."""
        assert self.process.stdin and self.process.stderr
        self.process.stdin.close()
        log = self.process.stderr.read()
        assert self.process.wait(10) == 0
        return log


def test_avahi_finds_resolves_and_sees_it_leave(lan: Lan) -> None:
    ours, client = lan.host(), lan.host()
    appliance = Appliance(ours, tls=True, port=9999)
    with client.avahi() as avahi:
        assert appliance.announced() == {
            "ok": True,
            "host": "vooster.local",
            "name": "제1공장",
            "addresses": [ours.address],
        }
        (found,) = avahi.browse(SERVICE)
        assert found._asdict() == {
            "instance": "제1공장",
            "host": "vooster.local",
            "address": ours.address,
            "port": 9999,
            "txt": {"id": "abc", "v": "0.1.0", "proto": "1", "tls": "1", "path": "/"},
        }
        assert avahi.resolve("vooster.local") == ours.address

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
    """`vooster serve` as it is run, found by name from another machine and answering there."""
    ours, client = lan.host(), lan.host()
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    run = (sys.executable, "-c", "from appliance.cli.main import main; main()")
    server = ours.start(*run, "serve", "--data-dir", str(tmp_path), "--port", "8481", env=environ)
    with client.avahi() as avahi:
        (found,) = until(lambda: avahi.browse(SERVICE), "avahi finds the appliance", 30)
        assert (found.host, found.address, found.port) == ("vooster.local", ours.address, 8481)
        url = f"http://{found.address}:{found.port}/.well-known/vooster"
        call = f"import urllib.request as u; print(u.urlopen({url!r}).read().decode())"
        told = json.loads(client.run(sys.executable, "-c", call).stdout)
        assert found.txt == {
            "id": told["instanceId"],
            "v": told["version"],
            "proto": str(told["protocol"]),
            "tls": "0",
            "path": "/",
        }
        server.terminate()
        assert server.wait(15) == 0
        until(lambda: not avahi.browse(SERVICE), "avahi forgets what said goodbye", 5)


def test_later_appliances_take_the_next_names(lan: Lan) -> None:
    """On another machine and on the same one, where the ports tell them apart."""
    one, two, client = lan.host(), lan.host(), lan.host()
    Appliance(one, port=8480).announced()
    Appliance(one, port=8481).announced()
    Appliance(two, port=8480).announced()
    with client.avahi() as avahi:
        assert {(f.instance, f.host, f.address, f.port) for f in avahi.browse(SERVICE)} == {
            ("제1공장", "vooster.local", one.address, 8480),
            ("제1공장-2", "vooster-2.local", one.address, 8481),
            ("제1공장-3", "vooster-3.local", two.address, 8480),
        }


def test_a_foreign_host_keeps_the_name_it_has(lan: Lan) -> None:
    ours, foreign, client = lan.host(), lan.host(), lan.host()
    with foreign.avahi("vooster"), client.avahi() as avahi:
        assert Appliance(ours).announced()["host"] == "vooster-2.local"
        assert avahi.resolve("vooster.local") == foreign.address
        assert avahi.resolve("vooster-2.local") == ours.address


def test_the_network_comes_later_than_the_appliance(lan: Lan) -> None:
    ours, client = lan.host(), lan.host()
    ours.run("ip", "addr", "flush", "dev", "eth0")
    appliance = Appliance(ours)
    assert "no network card" in appliance.trouble()
    ours.run("ip", "addr", "add", f"{ours.address}/24", "dev", "eth0")
    assert appliance.announced()["ok"]
    with client.avahi() as avahi:
        assert [f.address for f in avahi.browse(SERVICE)] == [ours.address]


def test_no_network_card_is_said_once(lan: Lan) -> None:
    appliance = Appliance(lan.host(plugged=False))
    assert appliance.trouble() == "no network card with a LAN address"
    assert appliance.status()["ok"] is False
    time.sleep(1)  # three more attempts
    lines = [json.loads(line) for line in appliance.stop().splitlines()]
    assert [(line["level"], line["reason"]) for line in lines] == [("warning", "no network card with a LAN address")]


def test_a_card_that_is_not_there_is_named(lan: Lan) -> None:
    appliance = Appliance(lan.host(), interfaces=["enp9s0"])
    assert appliance.trouble() == "no network card with a LAN address among discovery.interfaces (enp9s0)"


def test_multicast_that_goes_nowhere_is_noticed(lan: Lan) -> None:
    host = lan.host()
    host.run("ip", "link", "set", "eth0", "down")
    assert Appliance(host).trouble().startswith("multicast does not get through")


def test_a_port_held_by_another_is_named(lan: Lan) -> None:
    host = lan.host()
    holder = host.start(
        sys.executable,
        "-c",
        "import socket, sys\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.bind(('', 5353))\n"
        "print('held', flush=True)\nsys.stdin.read()",
    )
    assert holder.stdout and holder.stdout.readline() == "held\n"
    appliance = Appliance(host)
    assert appliance.trouble() == "UDP port 5353 can't be used: Address already in use"
    assert "Traceback" not in appliance.stop()


def test_announced_on_the_named_card_alone(lan: Lan) -> None:
    host = lan.host()
    host.run("ip", "link", "add", "eth1", "type", "dummy")
    host.run("ip", "addr", "add", "192.168.9.1/24", "dev", "eth1")
    host.run("ip", "link", "set", "eth1", "up")
    assert Appliance(host, interfaces=["eth0"]).announced()["addresses"] == [host.address]


async def test_starting_and_stopping_take_no_time_and_raise_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Anywhere, with no network to speak on."""

    def refuse(*args: object) -> None:
        raise OSError(19, "No such device")

    monkeypatch.setattr(socket, "socket", refuse)
    announcer = Announcer(instance_id="a", name="Plant", version="1", port=1, tls=False)
    began = time.monotonic()
    await announcer.start()
    assert time.monotonic() - began < 0.2
    assert announcer.status() == {"ok": True, "host": "vooster.local", "name": "Plant", "addresses": []}
    detail = await asyncio.to_thread(until, lambda: announcer.status().get("detail"), "it says what is wrong")
    assert detail == "the network can't be used: No such device"
    await announcer.stop()
    await announcer.stop()


@pytest.mark.parametrize(
    ("name", "number", "label"),
    [
        ("제1공장", 1, "제1공장"),
        ("제1공장", 2, "제1공장-2"),
        ("가" * 21, 1, "가" * 21),
        ("가" * 22, 1, "가" * 21),
        ("가" * 22, 2, "가" * 20 + "-2"),
        ("a" + "가" * 21, 1, "a" + "가" * 20),
        ("a" * 64, 1, "a" * 63),
        ("Plant 1. Hall\t2\n", 1, "Plant 1 Hall 2"),
        ("", 1, "Vooster"),
        (" . ", 3, "Vooster-3"),
    ],
)
def test_instance_names(name: str, number: int, label: str) -> None:
    assert instance_label(name, number) == label
    assert len(instance_label(name, number).encode()) <= 63


@pytest.mark.parametrize(
    ("reaches", "expected"),
    [
        ([Reach.PRIVATE, Reach.OTHER, Reach.VIRTUAL, Reach.LINK_LOCAL, Reach.LOOPBACK], 2),
        ([Reach.VIRTUAL, Reach.LOOPBACK], 1),
        ([Reach.LINK_LOCAL, Reach.LOOPBACK], 1),
        ([Reach.LOOPBACK], 0),
    ],
)
def test_what_is_announced(reaches: list[Reach], expected: int) -> None:
    addresses = [OwnAddress(f"10.0.0.{number}", f"eth{number}", reach) for number, reach in enumerate(reaches)]
    assert announced(addresses) == [own.ip for own in addresses[:expected]]


def test_the_lan_fixture_runs_anything_in_a_host(lan: Lan) -> None:
    one, two = lan.host(), lan.host()
    server = one.start(
        sys.executable,
        "-c",
        "import socket\ns = socket.create_server(('', 8480))\nprint('up', flush=True)\ns.accept()[0].send(b'hello')",
    )
    assert server.stdout and server.stdout.readline() == "up\n"
    call = f"import socket; print(socket.create_connection(('{one.address}', 8480), 5).recv(9).decode())"
    answer: subprocess.CompletedProcess[str] = two.run(sys.executable, "-c", call)
    assert answer.stdout == "hello\n"
