"""Announces the appliance on the LAN by mDNS/DNS-SD, so that stations find `vooster.local` with nothing configured.

It only speaks: what others announce is read for one purpose, to see that a name is taken, and is never believed.
Nothing here can stop the appliance from starting; what went wrong stands in the log once and in `status()`.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import logging
from collections.abc import Sequence
from typing import Any

import structlog
from zeroconf import AddressResolverIPv4, NonUniqueNameException, ServiceInfo  # type: ignore[attr-defined]
from zeroconf.asyncio import AsyncZeroconf

from appliance import PROTOCOL_VERSION
from appliance.adapters.addresses import OwnAddress, Reach, own_addresses

SERVICE_TYPE = "_vooster._tcp.local."
_HOST = "vooster"
_LABEL_BYTES = 63  # RFC 6763, section 4.1.1
_PROBE_MS = 750  # RFC 6762, section 8.1: three probes of 250 ms
_MOST_NAMES = 50
_RETRY_SECONDS = 10.0
_GOODBYE_SECONDS = 3.0

_log = structlog.get_logger(__name__)


class Announcer:
    """One appliance's announcement. `start` returns at once; `status` tells how far it has come.

    `interfaces` names the cards (or own addresses) to announce on; None or empty means every one that leads to the LAN.
    """

    def __init__(
        self,
        *,
        instance_id: str,
        name: str,
        version: str,
        port: int,
        tls: bool,
        interfaces: Sequence[str] | None = None,
    ) -> None:
        self._name = name
        self._port = port
        self._interfaces = frozenset(interfaces or ())
        self._properties = {
            "id": instance_id,
            "v": version,
            "proto": str(PROTOCOL_VERSION),
            "tls": "1" if tls else "0",
            "path": "/",
        }
        self._zeroconf: AsyncZeroconf | None = None
        self._announced: ServiceInfo | None = None
        self._problem: str | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begins to announce in the background: settling on a name takes about two seconds."""
        logging.getLogger("zeroconf").setLevel(logging.CRITICAL)  # it logs each packet's failure; ours is said once
        self._task = asyncio.create_task(self._run(), name="mdns")

    async def stop(self) -> None:
        """Withdraws the announcement (goodbyes, a quarter of a second)."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        await self._close()

    def status(self) -> dict[str, Any]:
        """`{"ok", "host", "name", "addresses", "detail"?}`; `addresses` is empty until the announcement is out."""
        info = self._announced
        status: dict[str, Any] = {
            "ok": self._problem is None,
            "host": info.server.rstrip(".") if info and info.server else f"{_HOST}.local",
            "name": info.name.removesuffix(f".{SERVICE_TYPE}") if info else instance_label(self._name),
            "addresses": info.parsed_addresses() if info else [],
        }
        if self._problem is not None:
            status["detail"] = self._problem
        return status

    async def _run(self) -> None:
        """Tries until the announcement is out: at boot the network is often later than we are."""
        while True:
            problem = await self._attempt()
            if problem != self._problem and problem is not None:
                _log.warning("the appliance is not announced on the network", reason=problem)
            self._problem = problem
            if problem is None:
                _log.info("announced on the network", **self.status())
                return
            await self._close()
            await asyncio.sleep(_RETRY_SECONDS)

    async def _attempt(self) -> str | None:
        """Announces; returns what stands against it, in plain words, or None."""
        try:
            addresses = announced(own_addresses(), self._interfaces)
            if not addresses:
                return "no network card with a LAN address" + (
                    f" among discovery.interfaces ({', '.join(sorted(self._interfaces))})" if self._interfaces else ""
                )
            self._zeroconf = AsyncZeroconf(interfaces=list(addresses))
            info = await self._register(self._zeroconf, addresses)
            if self._zeroconf.zeroconf.cache.async_get_unique(info.dns_service()) is None:
                return "multicast does not get through: a firewall, or a network card without it (UDP port 5353)"
        except OSError as error:
            what = "UDP port 5353" if error.errno in (errno.EADDRINUSE, errno.EACCES) else "the network"
            return f"{what} can't be used: {error.strerror or error}"
        except Exception as error:  # a discovery library's trouble must never be the appliance's
            _log.debug("announcing failed", exc_info=True)
            return f"announcing failed: {error or type(error).__name__}"
        self._announced = info
        return None

    async def _register(self, zeroconf: AsyncZeroconf, addresses: list[str]) -> ServiceInfo:
        """Settles on a host name and an instance name that are free, and sends the announcements."""
        host_number = await _free_host(zeroconf)
        for number in range(host_number, _MOST_NAMES):
            info = ServiceInfo(
                SERVICE_TYPE,
                f"{instance_label(self._name, number)}.{SERVICE_TYPE}",
                port=self._port,
                properties=self._properties,
                server=_host_name(host_number),
                parsed_addresses=addresses,
            )
            with contextlib.suppress(NonUniqueNameException):
                await (await zeroconf.async_register_service(info))
                return info
        raise RuntimeError(f"{_MOST_NAMES} appliances of this name are on the network already")

    async def _close(self) -> None:
        zeroconf, self._zeroconf, self._announced = self._zeroconf, None, None
        if zeroconf is not None:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(zeroconf.async_close(), _GOODBYE_SECONDS)


def announced(addresses: list[OwnAddress], interfaces: frozenset[str] = frozenset()) -> list[str]:
    """Which of `addresses` (best first) to announce: those `interfaces` names, else those that lead to the LAN.

    Never loopback. Containers' and virtual machines' networks only where there is no other: told to everybody, their
    addresses would be tried by phones that can't reach them.
    """
    candidates = [own for own in addresses if own.reach < Reach.LOOPBACK]
    if interfaces:
        return [own.ip for own in candidates if own.ip in interfaces or own.interface in interfaces]
    for worst in (Reach.OTHER, Reach.VIRTUAL, Reach.LINK_LOCAL):
        chosen = [own.ip for own in candidates if own.reach <= worst]
        if chosen:
            return chosen
    return []


def instance_label(name: str, number: int = 1) -> str:
    """The DNS-SD instance name people see when they browse, at most 63 bytes of UTF-8, cut between characters.

    A dot would be taken for a label's end and a control character belongs in no name; both become spaces.
    """
    readable = " ".join("".join(" " if char == "." or not char.isprintable() else char for char in name).split())
    suffix = f"-{number}" if number > 1 else ""
    cut = (readable or "Vooster").encode()[: _LABEL_BYTES - len(suffix)].decode(errors="ignore")
    return cut.rstrip() + suffix


def _host_name(number: int) -> str:
    return f"{_HOST}.local." if number == 1 else f"{_HOST}-{number}.local."


async def _free_host(zeroconf: AsyncZeroconf) -> int:
    """The first number whose host name nobody else answers for. zeroconf neither probes for nor defends host names."""
    own = {own.ip for own in own_addresses()}
    for number in range(1, _MOST_NAMES):
        resolver = AddressResolverIPv4(_host_name(number))
        await resolver.async_request(zeroconf.zeroconf, _PROBE_MS)
        if all(ip in own for ip in resolver.parsed_addresses() if ipaddress.ip_address(ip).version == 4):
            return number
    raise RuntimeError(f"{_MOST_NAMES} appliances are on the network already")
