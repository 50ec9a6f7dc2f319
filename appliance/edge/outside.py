"""The visitor's side of a connection: where a request really comes from, and the address that its sender knows us by.

A reverse proxy may stand between. What one says is believed only where the settings name it: anybody can say as much.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Final
from urllib.parse import SplitResult, urlsplit

import structlog
from aiohttp import hdrs, web

from appliance.core.networks import THIS_MACHINE, Networks, plain_address
from appliance.edge.hosts import host_name
from appliance.settings import Server

PROXY: Final = "proxy"
"""Stands for the address of whoever comes through a proxy of this machine that tells nothing we may believe. It is
nobody's own, and so all who come that way share what one stranger may."""
_SENT_ON: Final = frozenset({"forwarded", "via", "x-real-ip"})
_SENT_ON_BEGINNING: Final = "x-forwarded-"
_PORTS: Final = {"http": 80, "https": 443}
_HOP: Final = re.compile(
    r'(for=)?"?(\[(?P<v6>[^\]]+)\](:[^:]*)?|(?P<v4>[\d.]+):[^:]*|(?P<bare>[^"]+))"?', re.IGNORECASE
)

_log = structlog.get_logger(__name__)


def is_sent_on(request: web.Request) -> bool:
    """Whether the request says of itself that it came through a proxy."""
    return any(name in _SENT_ON or name.startswith(_SENT_ON_BEGINNING) for name in map(str.lower, request.headers))


class Outside:
    """Knows the trusted proxies and the public address. `tls` is whether the appliance itself speaks TLS; `unnamed` is
    called once, when a proxy of this machine turns out not to be among the trusted."""

    def __init__(self, server: Server, *, tls: bool, unnamed: Callable[[], None] = lambda: None) -> None:
        self.tls = tls
        self.proxies = Networks(server.trusted_proxies)
        self._public = server.public_url.rstrip("/")
        parts = urlsplit(self._public)
        self._public_scheme = parts.scheme
        self._public_hosts = _spellings(parts) if self._public else frozenset()
        self._unnamed = unnamed
        self._told = False

    def address(self, request: web.Request) -> str:
        """The client's network address in its plain spelling, as far as it can be believed: of `X-Forwarded-For` what
        trusted proxies have added, and theirs where that is no address. `PROXY` where a proxy hides it."""
        if not request.remote:
            return "local"
        peer = plain_address(request.remote) or request.remote
        if not is_sent_on(request):
            return peer
        if peer in self.proxies:
            peer = self._visitor(request) or peer
        elif peer in THIS_MACHINE:
            self._tell(request)
        # A visitor says he is this machine where the proxy lets through what he has sent himself.
        return PROXY if peer in THIS_MACHINE else peer

    def _visitor(self, request: web.Request) -> str:
        """The last of the hops that is no trusted proxy; empty for none that is an address."""
        address = ""
        for hop in reversed(",".join(request.headers.getall("X-Forwarded-For", ())).split(",")):
            if not hop.strip():
                continue
            address = _plain(hop.strip())
            if address not in self.proxies:
                break
        return address

    def is_secure(self, request: web.Request) -> bool:
        """Whether the visitor's own connection is https."""
        return self._scheme(request) == "https"

    def base(self, request: web.Request) -> str:
        """The beginning of every link for whoever made this request, which has passed the guard."""
        scheme = self._scheme(request)
        if scheme == self._public_scheme and self._is_public(request):
            return self._public
        return f"{scheme}://{request.host.lower()}"

    def is_behind_proxy(self, request: web.Request) -> bool:
        """Whether it came through a trusted proxy."""
        return request.remote in self.proxies and is_sent_on(request)

    def _scheme(self, request: web.Request) -> str:
        if self.tls:
            return "https"
        if request.remote in self.proxies:
            said = [value.strip().lower() for value in request.headers.getall("X-Forwarded-Proto", ())]
            if len(said) == 1 and said[0] in _PORTS:
                return said[0]
        return self._public_scheme if self._is_public(request) else request.scheme

    def _is_public(self, request: web.Request) -> bool:
        """Whether it was the public address that the visitor has opened. A proxy may have put our own in its place."""
        if not self._public:
            return False
        host = request.headers.get(hdrs.HOST, "").lower()
        return host in self._public_hosts or (self.is_behind_proxy(request) and _names_a_machine(host))

    def _tell(self, request: web.Request) -> None:
        if self._told:
            return
        self._told = True
        _log.warning("proxy.not_trusted", address=request.remote, setting="server.trusted_proxies")
        self._unnamed()


def _spellings(parts: SplitResult) -> frozenset[str]:
    """How `Host` may name the public address: with its port, and without, as some proxies pass it on."""
    name = parts.netloc.lower().rpartition("@")[2]
    bare = name if parts.port is None else name.rpartition(":")[0]
    return frozenset({name, bare, f"{bare}:{parts.port or _PORTS[parts.scheme]}"})


def _names_a_machine(host: str) -> bool:
    """Whether a `Host` is what a proxy calls the machine behind it, and no name that people open."""
    name = host_name(host).strip("[]")
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name == "localhost"
    return True


def _plain(hop: str) -> str:
    """A hop's address without what some proxies put around it, a port above all: with it each connection would be
    somebody else's. Empty for what is none."""
    found = _HOP.fullmatch(hop)
    return plain_address(found["v6"] or found["v4"] or found["bare"]) if found else ""
