"""What every answer carries, refusals and streams included, so that a browser lets nothing foreign near it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Final

from aiohttp import hdrs, web

from appliance.edge.hosts import Hosts, is_here
from appliance.edge.origins import CORS_PATHS, EXTENSION, VIEWER, is_extension, is_preflight
from appliance.edge.outside import Outside

STREAMING: Final = web.RequestKey("streaming", bool)
"""Set once the answer's head may be on its way, so that no other answer can take its place."""

_CSP: Final = "Content-Security-Policy"
_PAGE: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self' ws: wss:; manifest-src 'self'; "
)
_STATION: Final = (  # beside what a page may: pdf.js with its decoders, pictures, and the frame that documents are in
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data: blob:; "
    "font-src 'self' data:; connect-src 'self' ws: wss:; worker-src 'self'; frame-src 'self'; manifest-src 'self'; "
)
_ALL_PAGES: Final = (
    "base-uri 'none'; form-action 'self'; frame-ancestors {}; "
    "require-trusted-types-for 'script'; trusted-types vooster-worker"
)
PAGE_CSP: Final = _PAGE + _ALL_PAGES.format("'none'")
STATION_CSP: Final = _STATION + _ALL_PAGES.format("'none'")
VIEWER_CSP: Final = _STATION + _ALL_PAGES.format(EXTENSION)
"""Of the page by which the extension draws documents: in a frame of its own, apart from what the extension can do."""
DATA_CSP: Final = "default-src 'none'; frame-ancestors 'none'"
"""Of what is no page: should a browser take it for one, it is an empty one."""
_STATION_PATHS: Final = ("/display", "/assets/pdfjs/")
_FOR_ALL_SITES: Final = ("/documents/", "/.well-known/")


def dress(hosts: Hosts, outside: Outside) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """For `on_response_prepare`. What a handler has set itself stays."""
    allowed = hosts.allowed_origins

    async def prepare(request: web.Request, response: web.StreamResponse) -> None:
        headers = response.headers
        if not isinstance(response, web.Response):
            request[STREAMING] = True
        path = request.path
        if path.startswith("/api/"):
            bare(headers)
        else:
            _page(request, headers, outside)
        origin = request.headers.get(hdrs.ORIGIN)
        is_listed = False
        if allowed and path.startswith(CORS_PATHS):
            headers.add(hdrs.VARY, "Origin")
            is_listed = origin is not None and origin.lower() in allowed
        if origin is not None and (is_listed or is_extension(request, origin)):
            _allow_origin(request, response, origin, with_cookies=is_listed)

    return prepare


def bare(headers: MutableMapping[str, str]) -> None:
    """Dresses what isn't shown as a page. No banner either: a version is of use to nobody but an attacker."""
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "no-referrer"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    headers.pop(hdrs.SERVER, None)
    headers.setdefault(hdrs.CACHE_CONTROL, "no-store")
    headers.setdefault(_CSP, DATA_CSP)


def _page(request: web.Request, headers: MutableMapping[str, str], outside: Outside) -> None:
    path = request.path
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "no-referrer"
    headers.pop(hdrs.SERVER, None)
    if not path.startswith(_FOR_ALL_SITES):
        headers["Cross-Origin-Resource-Policy"] = "same-origin"
    if _CSP in headers:
        return
    if path == VIEWER:
        headers[_CSP] = VIEWER_CSP
    else:
        headers[_CSP] = STATION_CSP if path.startswith(_STATION_PATHS) else PAGE_CSP
        headers["X-Frame-Options"] = "DENY"
    headers.setdefault(hdrs.CACHE_CONTROL, "no-store")
    if outside.is_secure(request) or is_here(request.host):  # elsewhere browsers ignore it, with a complaint
        headers["Cross-Origin-Opener-Policy"] = "same-origin"


def _allow_origin(request: web.Request, response: web.StreamResponse, origin: str, *, with_cookies: bool) -> None:
    headers = response.headers
    headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin
    if with_cookies:
        headers[hdrs.ACCESS_CONTROL_ALLOW_CREDENTIALS] = "true"
    headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = "Retry-After"
    if is_preflight(request):
        headers[hdrs.ACCESS_CONTROL_ALLOW_METHODS] = "GET, POST, PATCH, DELETE"
        headers[hdrs.ACCESS_CONTROL_ALLOW_HEADERS] = "Authorization, Content-Type, X-CSRF-Token"
        headers[hdrs.ACCESS_CONTROL_MAX_AGE] = "600"
