"""Which pages may have a browser ask for something: by `Origin`, and where the browser says so by Fetch Metadata.

The guard is against pages that use a browser's cookie, or its place in the network, behind its owner's back. A program
says what it likes and needs credentials of its own for everything.
"""

from __future__ import annotations

from typing import Final

from aiohttp import hdrs, web

from appliance.core.managed import EXTENSION_ID
from appliance.edge.hosts import Hosts
from appliance.errors import Problem

EXTENSION: Final = f"chrome-extension://{EXTENSION_ID}"
CORS_PATHS: Final = ("/api/", "/socket.io/")
OWN_PAGE: Final = web.RequestKey("own_page", bool)
"""Set where the request's `Origin` is one of our own pages'."""
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})

_WEB_SOCKET: Final = "/ws"
_SOCKETS: Final = (_WEB_SOCKET, "/socket.io/")
_SESSION_PATHS: Final = ("/api/events/subscribe", "/socket.io/")
"""Where a GET opens a session."""
_EXTENSION_PATHS: Final = frozenset({
    "/.well-known/vooster", "/api/auth/refresh", "/api/auth/device", "/api/pairing/device", "/api/pairing/token",
    "/api/pairing/claim", "/api/trigger", "/api/triggers",
})  # fmt: skip
_EXTENSION_TREES: Final = ("/api/events/", "/api/triggers/", "/socket.io/")
_COOKIE: Final = "vooster_"
"""In the name of a session cookie of ours, or of another appliance on this machine."""
_SITE, _MODE, _DEST = "Sec-Fetch-Site", "Sec-Fetch-Mode", "Sec-Fetch-Dest"
_OTHER_SITES: Final = frozenset({"cross-site", "same-site"})
"""`same-site` too: another port of this machine, or another machine of the plant's domain, is somebody else."""
_OPEN: Final = ("/.well-known/", "/documents/")
"""For everyone's pages: what anyone may know, and what a link is signed for."""
VIEWER: Final = "/viewer"
"""For our extension's pages to frame, by the answer's own policy."""
_FOR_PROGRAMS: Final = (*CORS_PATHS, _WEB_SOCKET, "/metrics")
"""Where nobody goes by following a link on another site's page."""


def check(request: web.Request, hosts: Hosts, host: str) -> None:
    """Notes an own page in the request; refuses what another site's page may not do. Raises `ORIGIN_NOT_ALLOWED`."""
    headers = request.headers
    origin = headers.get(hdrs.ORIGIN)
    if origin is not None:
        if len(headers.getall(hdrs.ORIGIN)) > 1:  # no browser's; one of them may be what another has put in
            raise _another_site()
        if hosts.own_origin(origin, host):
            request[OWN_PAGE] = True
            return
        if _is_listed(request, hosts, origin) or is_extension(request, origin):
            return
        if origin == "null" or request.method not in SAFE or request.path in _SESSION_PATHS or _is_upgrade(request):
            raise _another_site()
    if (
        _SITE in headers
        and not _OTHER_SITES.isdisjoint(headers.getall(_SITE))
        and not is_preflight(request)
        and not _is_for_all(request)
    ):
        raise _another_site()


def is_extension(request: web.Request, origin: str) -> bool:
    """Whether our extension asks for what screens and scanners need, with no cookie of ours.

    It brings a token, or has none yet and asks to be paired; so what a browser would add of its owner's is refused.
    """
    if origin != EXTENSION:
        return False
    if _is_upgrade(request) and request.path in _SOCKETS:  # where no cookie counts that another origin has sent
        return True
    return (request.path in _EXTENSION_PATHS or request.path.startswith(_EXTENSION_TREES)) and not any(
        _COOKIE in line for line in request.headers.getall(hdrs.COOKIE, ())
    )


def is_preflight(request: web.Request) -> bool:
    return request.method == "OPTIONS" and hdrs.ACCESS_CONTROL_REQUEST_METHOD in request.headers


def _is_upgrade(request: web.Request) -> bool:
    return request.headers.get(hdrs.UPGRADE, "").lower() == "websocket"


def _is_listed(request: web.Request, hosts: Hosts, origin: str) -> bool:
    return (
        origin != "null"
        and origin.lower() in hosts.allowed_origins
        and request.path.startswith((*CORS_PATHS, _WEB_SOCKET))
    )


def _is_for_all(request: web.Request) -> bool:
    """Whether any page may lead a browser here: to what is open, by a link to a page that is then on top, or to the
    viewer, whose answer says who may frame it."""
    path = request.path
    if path.startswith(_OPEN):
        return request.method in SAFE
    headers = request.headers
    return (
        request.method == "GET"
        and headers.get(_MODE) == "navigate"
        and (headers.get(_DEST) == "document" or path == VIEWER)
        and not path.startswith(_FOR_PROGRAMS)
    )


def _another_site() -> Problem:
    return Problem("ORIGIN_NOT_ALLOWED", "Another site's page may not do this.")
