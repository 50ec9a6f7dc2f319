"""Addresses to hand out: the one a request came by, and the one a phone on the LAN should use."""

from __future__ import annotations

import ipaddress
from base64 import urlsafe_b64encode
from collections.abc import Callable

from aiohttp import hdrs, web

from appliance.edge.hosts import host_name
from appliance.edge.outside import Outside


class Urls:
    """`best` gives the address to print and put into QR codes (`http://192.168.10.20:8480`), asked anew each time.

    `public_url`, where it is set, stands for all of them. `fingerprint` is what whoever opens a link can compare the
    certificate with (SHA-256); empty without TLS.
    """

    def __init__(
        self, *, best: Callable[[], str], public_url: str, outside: Outside, fingerprint: Callable[[], bytes] = bytes
    ) -> None:
        self._best = best
        self._fingerprint = fingerprint
        self._public = public_url.rstrip("/")
        self._outside = outside

    def best(self) -> str:
        return self._public or self._best().rstrip("/")

    def marked(self, link: str) -> str:
        """`link`, which has a fragment, with the certificate's fingerprint behind it: it came from the appliance's own
        monitor or page, by a camera, so that whoever listens on the network can't have changed it."""
        fingerprint = self._fingerprint()
        return f"{link}&ca={urlsafe_b64encode(fingerprint).rstrip(b'=').decode()}" if fingerprint else link

    def seen(self, request: web.Request) -> str:
        """The address this request came by; its `Host` has passed the guard."""
        host = request.headers.get(hdrs.HOST)
        if self._public or not host:
            return self.best()
        return self._outside.base(request)

    def for_phone(self, request: web.Request) -> str:
        """The address for a phone beside this client: the same one where it is a LAN address or a proxy's, else the
        best."""
        if self._outside.is_behind_proxy(request):
            return self.seen(request)
        name = host_name(request.headers.get(hdrs.HOST, "")).strip("[]")
        try:
            reachable = not ipaddress.ip_address(name).is_loopback
        except ValueError:
            reachable = False  # phones resolve names unreliably
        return self.seen(request) if reachable else self.best()
