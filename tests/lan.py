"""A LAN on one machine: hosts are network namespaces on a bridge, and the Debian world's own mDNS client lives in one.

    from tests.lan import Lan, lan_of_namespaces  # noqa: F401

    def test_something(lan: Lan) -> None:
        appliance, client = lan.host(), lan.host()
        server = appliance.start("vooster", "serve")
        with client.avahi() as avahi:
            found = avahi.browse("_vooster._tcp")

Where namespaces can't be made the test is skipped and says why.
"""

from __future__ import annotations

import itertools
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple, TypeVar

import pytest

T = TypeVar("T")
_serial = itertools.count()
_ESCAPED_BYTE = re.compile(rb"\\(\d{3})|\\(.)")


class Found(NamedTuple):
    """A service as avahi resolved it."""

    instance: str
    host: str
    address: str
    port: int
    txt: dict[str, str]


class Avahi:
    """An avahi of its own inside one host, and its command line tools."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._enter = ("nsenter", f"--target={process.pid}", "--mount", "--net", "stdbuf", "-oL")

    def enter(self, *argv: str) -> tuple[str, ...]:
        """`argv` as it is run on this avahi's machine, where it resolves names by it."""
        return (*self._enter[:4], *argv)

    def browse(self, service: str) -> list[Found]:
        """What is announced now, resolved over IPv4: `avahi-browse -rtp`, which ends by itself."""
        done = _run((*self._enter, "avahi-browse", "-rtpk", service))
        lines = [line.split(";", 9) for line in done.stdout.splitlines() if line.startswith("=;")]
        return [
            Found(_unescape(f[3]), f[6], f[7], int(f[8]), dict(re.findall(r'"([^"=]*)=([^"]*)"', f[9])))
            for f in lines
            if f[2] == "IPv4"
        ]

    def resolve(self, host: str, version: int = 4) -> str | None:
        """The address behind a `.local` name: `avahi-resolve -4 -n`."""
        words = _run((*self._enter, "avahi-resolve", f"-{version}", "-n", host)).stdout.split()
        return words[1] if len(words) > 1 else None

    def watch(self, service: str) -> subprocess.Popen[str]:
        """`avahi-browse -p`, running: a line begins with `+` for what came and with `-` for what left."""
        return subprocess.Popen((*self._enter, "avahi-browse", "-pk", service), stdout=subprocess.PIPE, text=True)


class Host:
    """A machine on the LAN, with a card `eth0` and whichever others are plugged in."""

    def __init__(self, namespace: str, number: int, stack: ExitStack) -> None:
        self.namespace = namespace
        self.number = number
        self.address = f"10.77.0.{number}"
        self._stack = stack

    def link(self, *how: str, card: str = "eth0") -> None:
        """`link("down")`, `link("multicast", "off")`."""
        _ip("-n", self.namespace, "link", "set", card, *how)

    def give(self, address: str, card: str = "eth0") -> None:
        """One more address, usable at once."""
        _ip("-n", self.namespace, "addr", "add", address, "dev", card, *(("nodad",) if ":" in address else ()))

    def take(self, address: str, card: str = "eth0") -> None:
        _ip("-n", self.namespace, "addr", "del", address, "dev", card)

    def command(self, *argv: str) -> tuple[str, ...]:
        """`argv` as it is run in this host, for callers that start it their own way."""
        return ("ip", "netns", "exec", self.namespace, *argv)

    def run(self, *argv: str) -> subprocess.CompletedProcess[str]:
        return _run(self.command(*argv))

    def start(self, *argv: str, env: dict[str, str] | None = None) -> subprocess.Popen[str]:
        """A process in this host with pipes for all three streams; it ends with the LAN at the latest."""
        return self._stack.enter_context(_process(self.command(*argv), env=env))

    @contextmanager
    def avahi(self, host_name: str = "client", *, ipv6: bool = False, named: str | None = None) -> Iterator[Avahi]:
        """A running avahi-daemon with a system bus of its own, that wants to be called `<host_name>.local` and, once
        it is `named` so (otherwise the same), is ready."""
        with tempfile.TemporaryDirectory() as folder:
            settings = Path(folder, "avahi-daemon.conf")
            settings.write_text(
                f"[server]\nhost-name={host_name}\nuse-ipv6={'yes' if ipv6 else 'no'}\n"
                "[wide-area]\nenable-wide-area=no\n"
            )
            script = (
                "mount -t tmpfs tmpfs /run && mkdir -p /run/dbus /run/avahi-daemon && "
                "{ dbus-daemon --system --nofork --nopidfile & } && "
                "for i in $(seq 200); do [ -S /run/dbus/system_bus_socket ] && break; sleep 0.05; done; "
                f"exec avahi-daemon --no-chroot --no-drop-root --no-rlimits -f {settings}"
            )
            with _process(self.command("unshare", "-m", "sh", "-c", script), quiet=True) as process:
                avahi = Avahi(process)
                name = named or host_name
                until(lambda: avahi.resolve(f"{name}.local"), f"{name}.local answered by its own avahi")
                yield avahi


class Lan:
    """Two switches that no cable joins. Hosts are plugged into the first, as 10.77.0.1 and up; the second's addresses
    begin with 10.78.0."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._prefix = f"vl{os.getpid()}x{next(_serial)}"
        self._switch = f"{self._prefix}s"
        self._count = 0
        self._namespace(self._switch)
        for bridge in ("br0", "br1"):
            _ip("-n", self._switch, "link", "add", bridge, "type", "bridge", "mcast_snooping", "0")
            _ip("-n", self._switch, "link", "set", bridge, "up")

    def host(self, *, plugged: bool = True, switch: int = 0) -> Host:
        """One more machine. Not `plugged`: it has its loopback and no card."""
        self._count += 1
        host = Host(f"{self._prefix}h{self._count}", self._count, self._stack)
        self._namespace(host.namespace)
        if plugged:
            host.address = self.plug(host, switch=switch)
            _ip("-n", host.namespace, "route", "add", "default", "via", f"10.{77 + switch}.0.254", "dev", "eth0")
        return host

    def plug(self, host: Host, card: str = "eth0", *, switch: int = 0) -> str:
        """A new card in `host`, on a cable to `switch`; its address."""
        port, address = f"p{host.number}{card}", f"10.{77 + switch}.0.{host.number}"
        _ip("link", "add", card, "netns", host.namespace, "type", "veth", "peer", "name", port, "netns", self._switch)
        _ip("-n", self._switch, "link", "set", port, "master", f"br{switch}", "up")
        _ip("-n", host.namespace, "addr", "add", f"{address}/24", "dev", card)
        _ip("-n", host.namespace, "link", "set", card, "up")
        return address

    def join(self) -> None:
        """A cable between the two switches."""
        _ip("-n", self._switch, "link", "add", "j0", "type", "veth", "peer", "name", "j1")
        for number in (0, 1):
            _ip("-n", self._switch, "link", "set", f"j{number}", "master", f"br{number}", "up")

    def _namespace(self, name: str) -> None:
        _ip("netns", "add", name)
        self._stack.callback(_ip, "netns", "del", name)
        _ip("-n", name, "link", "set", "lo", "up")


@pytest.fixture(name="lan")
def lan_of_namespaces() -> Iterator[Lan]:
    """An empty LAN, taken down afterwards with everything that runs on it."""
    missing = why_no_lan()
    if missing:
        pytest.skip(missing)
    with ExitStack() as stack:
        yield Lan(stack)


def why_no_lan() -> str | None:
    """What this machine lacks for a LAN of namespaces with avahi in it; None when nothing does."""
    tools = ("ip", "unshare", "nsenter", "stdbuf", "dbus-daemon", "avahi-daemon", "avahi-browse", "avahi-resolve")
    missing = [tool for tool in tools if not shutil.which(tool)]
    if missing:
        return f"a LAN of network namespaces needs {', '.join(missing)} (packages iproute2, avahi-daemon, avahi-utils)"
    if os.geteuid() != 0:
        return "a LAN of network namespaces needs root"
    probe = f"vl{os.getpid()}probe"
    made = _run(("ip", "netns", "add", probe))
    if made.returncode:
        return f"network namespaces can't be made here: {made.stderr.strip()}"
    bridge = _run(("ip", "-n", probe, "link", "add", "br0", "type", "bridge"))
    _ip("netns", "del", probe)
    return f"bridges can't be made here: {bridge.stderr.strip()}" if bridge.returncode else None


def until(look: Callable[[], T | None], what: str, seconds: float = 15) -> T:
    """Asks `look` until it answers something true; fails with `what` was waited for."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        seen = look()
        if seen:
            return seen
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds:.0f} s: {what}")


def _run(argv: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, capture_output=True, text=True, timeout=20, check=False, stdin=subprocess.DEVNULL)


def _ip(*argv: str) -> None:
    done = _run(("ip", *argv))
    if done.returncode:
        raise RuntimeError(f"ip {' '.join(argv)}: {done.stderr.strip()}")


@contextmanager
def _process(
    argv: tuple[str, ...], *, env: dict[str, str] | None = None, quiet: bool = False
) -> Iterator[subprocess.Popen[str]]:
    """A process in a session of its own; whatever of that session still runs at the end is ended."""
    stream = subprocess.DEVNULL if quiet else subprocess.PIPE
    process = subprocess.Popen(
        argv, stdin=stream, stdout=stream, stderr=stream, text=True, env=env, start_new_session=True
    )
    try:
        with process:
            try:
                yield process
            finally:
                for number in (signal.SIGTERM, signal.SIGKILL):
                    try:
                        os.killpg(process.pid, number)
                        process.wait(5)
                    except (ProcessLookupError, subprocess.TimeoutExpired):
                        continue
    finally:
        process.kill()


def _unescape(label: str) -> str:
    """avahi writes a byte outside of ASCII as a backslash and three decimal digits."""
    return _ESCAPED_BYTE.sub(lambda m: bytes([int(m[1])]) if m[1] else m[2], label.encode()).decode()
