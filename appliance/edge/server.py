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
from appliance.edge import origins
from appliance.edge.credentials import STILL_GOOD, Credentials
from appliance.edge.headers import STREAMING, dress
from appliance.edge.hosts import Hosts
from appliance.edge.limits import Limits
from appliance.edge.problems import from_http, problem_response, too_large, unexpected
from appliance.errors import FieldError, Problem, tactful
from appliance.settings import Settings
from appliance.storage.audit import came_from

T = TypeVar("T")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

BODY_SECONDS = 10.0
"""How long a request's body may take to arrive."""

_SENDERS_FAULT: Final = (HttpProcessingError, web.RequestPayloadError, ConnectionError)
_LIMIT: Final = web.AppKey("limit", int)


def build(
    routes: Iterable[web.RouteDef],
    *,
    settings: Settings,
    hosts: Hosts,
    credentials: Credentials,
    limits: Limits | None = None,
    calls: Mapping[tuple[str, str], Rule] = CALLS,
) -> web.Application:
    """The application with its guard; `hosts` decides which `Host` and `Origin` are ours, `calls` who may call what.

    Without `limits` there are none. Raises `LookupError` for a route that isn't in `calls`: nothing is served that
    nobody has thought of.
    """
    rules: dict[web.AbstractRoute, Rule] = {}
    limit = settings.server.max_message_bytes
    # Bodies are unpacked in `read_body`: aiohttp's own unpacking has no words for a broken one.
    app = web.Application(
        middlewares=[_guard(hosts, limit, limits, credentials, rules)],
        client_max_size=limit,
        handler_args={"auto_decompress": False},
    )
    app[_LIMIT] = limit
    app.on_response_prepare.append(dress(hosts, credentials.outside))
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


def _guard(
    hosts: Hosts,
    limit: int,
    limits: Limits | None,
    credentials: Credentials,
    rules: Mapping[web.AbstractRoute, Rule],
) -> Any:
    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        came_from.set(credentials.address(request) if request.remote else None)
        try:
            if limits is not None:
                await limits.check(request)
            headers = request.headers
            host = headers.get(hdrs.HOST)
            if not hosts.allows(request, host):
                return problem_response(Problem("HOST_NOT_ALLOWED", values={"address": hosts.base_url()}))
            origins.check(request, hosts, host or "")
            if hdrs.ORIGIN in headers and origins.is_preflight(request):
                return web.Response(status=204)
            rule = rules.get(request.match_info.route)
            if rule is not None:  # there is none for a path that isn't there
                await credentials.admit(request, rule)
            return await handler(request)
        except Problem as problem:
            if request.get(STREAMING):
                raise
            return problem_response(problem)
        except web.HTTPException as error:
            if error.status < 400 or request.get(STREAMING):
                raise
            return from_http(error, limit=limit)
        except (asyncio.CancelledError, ConnectionError):
            raise
        except Exception as error:
            if request.get(STREAMING):
                raise
            return unexpected(error, request)

    return guard


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
        still_good = request.get(STILL_GOOD)
        if still_good is not None:
            still_good.check()
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
        said = tactful(error)
        place = _PLACE.match(said)
        field = (place["field"] or "") if place else ""
        reason = place["reason"] if place else said
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
