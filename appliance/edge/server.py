"""The HTTP application: one guard in front of every route, headers on every answer, JSON in and out.

The guard runs thousands of times a second, so what it needs is looked up once and kept in sets.
"""

from __future__ import annotations

import asyncio
import logging
import re
import zlib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final, TypeVar, overload

import msgspec
from aiohttp import hdrs, web
from aiohttp.http_exceptions import HttpProcessingError

from appliance.core.permissions import CALLS, Rule
from appliance.edge.credentials import Credentials
from appliance.edge.hosts import Hosts
from appliance.edge.problems import from_http, problem_response, too_large, unexpected
from appliance.errors import FieldError, Problem
from appliance.settings import Settings
from appliance.storage.audit import came_from

T = TypeVar("T")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

BODY_SECONDS = 10.0
"""How long a request's body may take to arrive."""

PAGE_CSP: Final = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; style-src-attr 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' ws: wss:; worker-src 'self'; "
    "frame-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_SENDERS_FAULT: Final = (HttpProcessingError, web.RequestPayloadError, ConnectionError)
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_CORS_PATHS: Final = ("/api/", "/socket.io/")
_SESSION_PATHS: Final = ("/api/events/subscribe", "/socket.io/")
"""Where a GET opens a session."""
_EXTENSION: Final = "chrome-extension://"
_EXTENSION_PATHS: Final = frozenset({
    "/.well-known/vooster", "/api/auth/refresh", "/api/auth/device", "/api/pairing/device", "/api/pairing/token",
    "/api/pairing/claim", "/api/trigger", "/api/triggers",
})  # fmt: skip
_EXTENSION_TREES: Final = ("/api/events/", "/api/triggers/", "/socket.io/")
_COOKIE: Final = "vooster_"
"""In the name of a session cookie of ours, or of another appliance on this machine."""
OWN_PAGE: Final = web.RequestKey("own_page", bool)
"""Set where the request's `Origin` is one of our own pages'."""
_STREAMING: Final = web.RequestKey("streaming", bool)
_LIMIT: Final = web.AppKey("limit", int)


def build(
    routes: Iterable[web.RouteDef],
    *,
    settings: Settings,
    hosts: Hosts,
    credentials: Credentials,
    calls: Mapping[tuple[str, str], Rule] = CALLS,
) -> web.Application:
    """The application with its guard; `hosts` decides which `Host` and `Origin` are ours, `calls` who may call what.

    Raises `LookupError` for a route that isn't in `calls`: nothing is served that nobody has thought of.
    """
    rules: dict[web.AbstractRoute, Rule] = {}
    limit = settings.server.max_message_bytes
    # Bodies are unpacked in `read_body`: aiohttp's own unpacking has no words for a broken one.
    app = web.Application(
        middlewares=[_guard(hosts, limit, credentials, rules)],
        client_max_size=limit,
        handler_args={"auto_decompress": False},
    )
    app[_LIMIT] = limit
    app.on_response_prepare.append(_dress(hosts))
    app.add_routes(routes)
    rules.update((route, _rule_of(route, calls)) for route in app.router.routes())
    logging.getLogger("aiohttp.server").addFilter(_is_ours)
    return app


def _rule_of(route: web.AbstractRoute, calls: Mapping[tuple[str, str], Rule]) -> Rule:
    assert route.resource is not None
    return calls["GET" if route.method == "HEAD" else route.method, route.resource.canonical]


def _is_ours(record: logging.LogRecord) -> bool:
    """Whether aiohttp logs something that has to be looked into. Bytes that aren't HTTP are their sender's fault, and
    so is who goes in the middle of a request: each with its traceback they would fill the disk."""
    return not (record.exc_info and isinstance(record.exc_info[1], _SENDERS_FAULT))


def _guard(hosts: Hosts, limit: int, credentials: Credentials, rules: Mapping[web.AbstractRoute, Rule]) -> Any:
    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        came_from.set(credentials.address(request) if request.remote else None)
        try:
            headers = request.headers
            host = headers.get(hdrs.HOST)
            if not hosts.allows(request, host):
                return problem_response(Problem("HOST_NOT_ALLOWED", values={"address": hosts.base_url()}))
            origin = headers.get(hdrs.ORIGIN)
            if origin is not None:
                _check_origin(request, hosts, origin, host or "")
                if _is_preflight(request):
                    return web.Response(status=204)
            rule = rules.get(request.match_info.route)
            if rule is not None:  # there is none for a path that isn't there
                await credentials.admit(request, rule)
            return await handler(request)
        except Problem as problem:
            if request.get(_STREAMING):
                raise
            return problem_response(problem)
        except web.HTTPException as error:
            if error.status < 400 or request.get(_STREAMING):
                raise
            return from_http(error, limit=limit)
        except (asyncio.CancelledError, ConnectionError):
            raise
        except Exception as error:
            if request.get(_STREAMING):
                raise
            return unexpected(error, request)

    return guard


def _check_origin(request: web.Request, hosts: Hosts, origin: str, host: str) -> None:
    """Refuses other sites' pages wherever a request could change something or open a socket."""
    if hosts.own_origin(origin, host):
        request[OWN_PAGE] = True
        return
    is_listed = origin != "null" and origin.lower() in hosts.allowed_origins
    if is_listed and request.path.startswith((*_CORS_PATHS, "/ws")):
        return
    upgrade = request.headers.get(hdrs.UPGRADE, "").lower() == "websocket"
    if (upgrade and origin.startswith(_EXTENSION)) or _is_extension(request, origin):
        return
    if origin == "null" or upgrade or request.method not in _SAFE or request.path in _SESSION_PATHS:
        raise Problem("ORIGIN_NOT_ALLOWED", "Another site's page may not do this.")


def _is_extension(request: web.Request, origin: str) -> bool:
    """Whether a browser extension asks for what screens and scanners need.

    The guard is against pages that use a browser's cookie behind its owner's back. An extension that brings a token, or
    that has none yet and asks to be paired, uses nobody else's; so no cookie of ours may be with it. Which extension it
    is doesn't matter for that: any could send the same without an `Origin`, as any program can.
    """
    return (
        origin.startswith(_EXTENSION)
        and (request.path in _EXTENSION_PATHS or request.path.startswith(_EXTENSION_TREES))
        and not any(_COOKIE in line for line in request.headers.getall(hdrs.COOKIE, ()))
    )


def _is_preflight(request: web.Request) -> bool:
    return request.method == "OPTIONS" and hdrs.ACCESS_CONTROL_REQUEST_METHOD in request.headers


def _dress(hosts: Hosts) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """Headers every answer carries, streams and refusals included; what a handler has set itself stays."""
    allowed = hosts.allowed_origins

    async def dress(request: web.Request, response: web.StreamResponse) -> None:
        headers = response.headers
        if not isinstance(response, web.Response):
            request[_STREAMING] = True
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "no-referrer"
        path = request.path
        if path.startswith("/api/"):
            if hdrs.CACHE_CONTROL not in headers:
                headers[hdrs.CACHE_CONTROL] = "no-store"
        elif "Content-Security-Policy" not in headers:
            headers["Content-Security-Policy"] = PAGE_CSP
        origin = request.headers.get(hdrs.ORIGIN)
        is_listed = False
        if allowed and path.startswith(_CORS_PATHS):
            headers.add(hdrs.VARY, "Origin")
            is_listed = origin is not None and origin.lower() in allowed
        if origin is not None and (is_listed or _is_extension(request, origin)):
            _allow_origin(request, response, origin, with_cookies=is_listed)

    return dress


def _allow_origin(request: web.Request, response: web.StreamResponse, origin: str, *, with_cookies: bool) -> None:
    headers = response.headers
    headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin
    if with_cookies:
        headers[hdrs.ACCESS_CONTROL_ALLOW_CREDENTIALS] = "true"
    headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = "Retry-After"
    if _is_preflight(request):
        headers[hdrs.ACCESS_CONTROL_ALLOW_METHODS] = "GET, POST, PATCH, DELETE"
        headers[hdrs.ACCESS_CONTROL_ALLOW_HEADERS] = "Authorization, Content-Type, X-CSRF-Token"
        headers[hdrs.ACCESS_CONTROL_MAX_AGE] = "600"


@overload
async def read_json(request: web.Request, kind: type[T], *, limit: int | None = None) -> T: ...
@overload
async def read_json(request: web.Request, kind: type[T], *, optional: bool, limit: int | None = None) -> T | None: ...


async def read_json(
    request: web.Request, kind: type[T], *, optional: bool = False, limit: int | None = None
) -> T | None:
    """The request's JSON body as `kind`. With `optional`, None when there is no body.

    `limit` is in bytes, where less than `server.max_message_bytes` is plenty (a stranger may ask). Raises
    `PAYLOAD_TOO_LARGE`, `UNSUPPORTED_MEDIA_TYPE`, or `VALIDATION_ERROR` naming the member that is wrong.
    """
    body = await read_body(request, limit)
    if not body:
        if optional:
            return None
        raise _malformed("", "a JSON object is needed")
    if request.content_type != "application/json":
        raise Problem("UNSUPPORTED_MEDIA_TYPE", "Send application/json.")
    return decode(body, kind)


async def read_body(request: web.Request, limit: int | None = None) -> bytes:
    """The whole body, unpacked where it came packed, within the size limit and `BODY_SECONDS`."""
    limit = limit or request.app[_LIMIT]
    if (request.content_length or 0) > limit:
        raise too_large(limit)
    if request.content.is_eof():
        body = await request.read()
    else:
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await request.read()
        except TimeoutError:
            raise _malformed("", f"the body took longer than {BODY_SECONDS:g} s") from None
        except RuntimeError:  # aiohttp's word for a client that was gone before its body was asked for
            if request.protocol.connected:
                raise
            raise ConnectionResetError from None
    coding = request.headers.get(hdrs.CONTENT_ENCODING)
    if coding is not None and body:
        body = _unpacked(body, coding.strip().lower(), limit)
    if len(body) > limit:
        raise too_large(limit)
    return body


def _unpacked(body: bytes, coding: str, limit: int) -> bytes:
    """`body` without its content coding; a little more than `limit` bytes where it is longer than that."""
    if coding == "identity":
        return body
    if coding not in {"gzip", "deflate"}:
        raise Problem("UNSUPPORTED_MEDIA_TYPE", "Send the body as it is, or packed with gzip or deflate.")
    stream = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    try:
        plain = stream.decompress(body, limit + 1)
    except zlib.error:
        raise _malformed("", f"the body isn't {coding}, as Content-Encoding says") from None
    if not stream.eof and len(plain) <= limit:
        raise _malformed("", f"the {coding} body isn't whole")
    return plain


_decoders: dict[Any, msgspec.json.Decoder[Any]] = {}
_PLACE = re.compile(r"(?P<reason>.*?)(?: - at `\$\.?(?P<field>[^`]*)`)?\Z", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(?P<name>[^`]+)`")


def decode(body: bytes | str, kind: type[T]) -> T:
    """`body` as `kind`. Raises `VALIDATION_ERROR` naming the member that is wrong."""
    decoder = _decoders.get(kind)
    if decoder is None:
        decoder = _decoders[kind] = msgspec.json.Decoder(kind)
    try:
        value: T = decoder.decode(body)
    except msgspec.ValidationError as error:
        place = _PLACE.match(str(error))
        field = (place["field"] or "") if place else ""
        reason = place["reason"] if place else str(error)
        if missing := _MISSING.match(reason):
            field, reason = f"{field}.{missing['name']}".lstrip("."), "is missing"
        raise _malformed(field, reason) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _malformed("", f"not JSON: {error}") from None
    return value


def _malformed(field: str, reason: str) -> Problem:
    return Problem("VALIDATION_ERROR", f"{field}: {reason}".removeprefix(": "), errors=[FieldError(field, reason)])


_JSON_HEADERS = {"Content-Type": "application/json"}


def json_response(body: Any, status: int = 200) -> web.Response:
    """A Struct, dict or list as JSON."""
    return web.Response(body=msgspec.json.encode(body), status=status, headers=_JSON_HEADERS)
