"""Announces the appliance on the LAN by mDNS/DNS-SD, so that stations find `vooster.local` with nothing configured.

It only speaks: what others announce is read for one purpose, to see that a name is taken, and is never believed.
Nothing here can stop the appliance from starting; what went wrong stands in the log once and in `status()`.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
from collections.abc import Sequence
from typing import Any

import structlog
from zeroconf import (  # type: ignore[attr-defined]
    AddressResolverIPv4,
    DNSQuestionType,
    IPVersion,
    NonUniqueNameException,
    ServiceInfo,
)
from zeroconf.asyncio import AsyncZeroconf

from appliance import PROTOCOL_VERSION
from appliance.adapters.addresses import OwnAddress, Reach, own_addresses

SERVICE_TYPE = "_vooster._tcp.local."
_HOST = "vooster"
_LABEL_BYTES = 63  # RFC 6763, section 4.1.1
_PROBE_MS = 1500  # an answer given to all within the last second is held back for a second (RFC 6762, section 6)
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
        """Begins to announce in the background: settling on a name takes about three seconds."""
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
        for number in range(1, _MOST_NAMES):
            info = ServiceInfo(
                SERVICE_TYPE,
                f"{instance_label(self._name, number)}.{SERVICE_TYPE}",
                port=self._port,
                properties=self._properties,
                server=f"{_HOST}.local." if number == 1 else f"{_HOST}-{number}.local.",
                parsed_addresses=addresses,
            )
            if await _is_free(zeroconf, info):
                with contextlib.suppress(NonUniqueNameException):
                    await (await zeroconf.async_register_service(info))
                    return info
        raise RuntimeError(f"{_MOST_NAMES} appliances are on the network already")

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


async def _is_free(zeroconf: AsyncZeroconf, info: ServiceInfo) -> bool:
    """True when nobody else answers for the host name, and nobody at all for the instance name.

    zeroconf probes for no host name, and for an instance name in a way that asks for a unicast answer; on one machine
    that answer may reach the socket of the very process that sent it, so this asks for a multicast one.
    """
    host = AddressResolverIPv4(info.server or "")
    instance = ServiceInfo(info.type, info.name)
    _, taken = await asyncio.gather(
        host.async_request(zeroconf.zeroconf, _PROBE_MS),
        instance.async_request(zeroconf.zeroconf, _PROBE_MS, DNSQuestionType.QM),
    )
    own = {own.ip for own in own_addresses()}
    return not taken and own.issuperset(host.parsed_addresses(IPVersion.V4Only))
