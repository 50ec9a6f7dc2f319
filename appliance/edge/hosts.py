"""Which `Host` and `Origin` the appliance answers to, so that no name an attacker controls can stand for it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from urllib.parse import SplitResult, urlsplit

from aiohttp import web

from appliance.core.networks import plain_address
from appliance.edge.local import is_local
from appliance.settings import Server

_ALWAYS = frozenset({"localhost", "127.0.0.1", "[::1]"})
_REFRESH_SECONDS = 5.0
_MAX_CACHED = 256


_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^\[\]:@/\s]+?)\.?(?::\d{0,5})?\Z")


def host_name(host: str) -> str:
    """The name or address of a `Host` header or allow-list entry without its port, in lower case; empty for no host."""
    match = _HOST.match(host.strip().lower())
    return match[1] if match else ""


def is_here(host: str) -> bool:
    """Whether a `Host` header names this machine as only itself can reach it."""
    return host_name(host) in _ALWAYS


class Hosts:
    """The allow-list: own addresses, the settled mDNS name, loopback, and what the settings add.

    `addresses` gives the machine's own addresses, `name` the settled mDNS host name (None while there is none),
    `base_url` the address to recommend to whoever came by another one. All three are asked again as they change.
    """

    def __init__(
        self,
        server: Server,
        *,
        addresses: Callable[[], Iterable[str]],
        name: Callable[[], str | None],
        base_url: Callable[[], str],
        tls: bool = False,
    ) -> None:
        # Without TLS of our own, a proxy may be what speaks https.
        self._schemes = frozenset({"https"} if tls else {"http", "https"})
        self._addresses = addresses
        self._name = name
        self.base_url = base_url
        public = urlsplit(server.public_url) if server.public_url else None
        named = {_plain(host_name(host)) for host in server.allowed_hosts}
        if public is not None and public.netloc:
            named.add(_plain(host_name(public.netloc)))
        # Whoever is in the network can take any such name; our own is let in for as long as it is ours.
        self._configured = _ALWAYS | {name for name in named if name.rpartition(".")[2] != "local"}
        origins = {origin.rstrip("/").lower() for origin in server.allowed_origins}
        self.allowed_origins = frozenset(origins)
        """Origins of other sites that may call `/api` and `/socket.io` from a browser."""
        self._own_origins = frozenset({_origin(public)} if public else ())
        self._names: frozenset[str] = frozenset()
        self._passed: set[str] = set()
        self._until = 0.0

    def allows(self, request: web.Request, host: str | None) -> bool:
        """Whether a request with this `Host` header is for us. Costs one look into a set for a header seen lately."""
        if not request.raw_path.startswith(("/", "*")):
            # A whole address is what a proxy is asked for: it would stand for `Host` in every link that is made.
            return False
        now = time.monotonic()
        if now >= self._until:
            self._refresh(now)
        if host in self._passed:
            return True
        if is_local(request):
            return True
        name = host_name(host or "")
        if not name or not (name in self._names or name == _arrived_at(request)):
            return False
        if host and len(self._passed) < _MAX_CACHED:
            self._passed.add(host)
        return True

    def changed(self) -> None:
        """An address or the mDNS name has changed: the next request is held against the new ones."""
        self._until = 0.0

    def own_origin(self, origin: str, host: str) -> bool:
        """Whether `origin` is one of our pages, given the allowed `Host` the request came by."""
        scheme, _, netloc = origin.lower().partition("://")
        return (scheme in self._schemes and netloc == host.lower()) or origin.lower() in self._own_origins

    def _refresh(self, now: float) -> None:
        self._until = now + _REFRESH_SECONDS
        self._passed.clear()
        found = {f"[{address}]" if ":" in address else address for address in self._addresses()}
        name = self._name()
        if name:
            found.add(host_name(name))
        self._names = self._configured | {entry.lower() for entry in found}


def _plain(name: str) -> str:
    """An IPv6 address as browsers write it; any other name as it is."""
    return f"[{plain_address(name[1:-1])}]" if name.startswith("[") else name


def _origin(address: SplitResult) -> str:
    """As a browser writes it: without the port that goes without saying."""
    netloc = address.netloc.lower().removesuffix({"http": ":80", "https": ":443"}[address.scheme])
    return f"{address.scheme}://{netloc}"


def _arrived_at(request: web.Request) -> str | None:
    """The own address this connection came in on: one that appeared since the list was last made is ours too."""
    name = request.transport.get_extra_info("sockname") if request.transport is not None else None
    if not isinstance(name, tuple):
        return None
    address = str(name[0]).lower()
    return f"[{address}]" if ":" in address else address
