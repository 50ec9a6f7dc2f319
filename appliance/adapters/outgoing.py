"""The one way out: what the appliance fetches from, or sends to, another machine goes through here.

An address that others have a say in (an order's number, an answer's redirect, a name server) must not lead the
appliance to where only it can go: its own loopback services, a cloud's metadata. So each `Outgoing` is pinned to one
scheme, host and port; every connection is judged by the address it is really made to; and answers are bounded.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urljoin

import aiohttp
from aiohttp import hdrs
from yarl import URL

from appliance.core.webaddress import HostList, WebAddress, ip_of, web_address
from appliance.errors import FieldError, Problem

MAX_REDIRECTS: Final = 3
MAX_BYTES: Final = 1 << 20
SECONDS: Final = 5.0
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_PIECE: Final = 16_384
_METADATA: Final = frozenset(
    ipaddress.ip_address(ip) for ip in ("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254")
)
"""Where clouds answer their machines beside 169.254.169.254, which is link-local as it is."""
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")

Ip = ipaddress.IPv4Address | ipaddress.IPv6Address


class Reply(NamedTuple):
    """An answer, whatever its `status`; `content_type` is lower case, without parameters."""

    status: int
    content_type: str
    body: bytes


class Outgoing:
    """Calls to one place. `code` is the catalogue's for "it doesn't work just now"; its `detail` says why.

    `base` is an address of the settings; its path is before every call's. `allowed` names hosts that may be at
    addresses which are refused otherwise (an ERP on the appliance's own PC). `types` are the media types that may come
    back, all where none are named. Limits are for one call: `seconds` with its redirects, `max_bytes` of a body.
    Raises `SETTINGS_INVALID` for a base that is no plain http(s) address or is at a refused one.
    """

    def __init__(
        self,
        base: str,
        *,
        code: str,
        allowed: HostList | None = None,
        headers: Mapping[str, str] | None = None,
        types: Iterable[str] = (),
        seconds: float = SECONDS,
        max_bytes: int = MAX_BYTES,
        resolver: aiohttp.abc.AbstractResolver | None = None,
    ) -> None:
        place = web_address(base)
        if place is None or any(part in base for part in "?#"):
            raise _settings(base, "This is no plain address like http://erp.example:8080/orders.")
        self._place, self._base, self._code = place, base.rstrip("/"), code
        self._is_trusted = allowed is not None and allowed.names(place)
        self._allowed = allowed or HostList()
        ip = ip_of(place.host)
        if ip is not None and self._refuses(ip):
            raise _settings(base, f"The appliance doesn't call {ip}.")
        self._headers = {**(headers or {}), hdrs.ACCEPT_ENCODING: "identity"}
        self._types, self._seconds, self._max_bytes = frozenset(types), seconds, max_bytes
        self._resolver = resolver
        self._session: aiohttp.ClientSession | None = None

    async def get(self, path: Sequence[str] = (), query: Mapping[str, str] | None = None) -> Reply:
        """Asks for `path` below the base, each part of it one segment whatever is in it. Follows up to three redirects
        that stay at the same scheme, host and port. Raises the `code`, or `VALIDATION_ERROR` for a part that would lead
        out of the base."""
        return await self._call(hdrs.METH_GET, self._url(path, query), None)

    async def post(self, path: Sequence[str], body: bytes, content_type: str = "application/json") -> Reply:
        """Sends `body`; redirects are an error, for nobody knows what became of it. Raises as `get` does."""
        return await self._call(hdrs.METH_POST, self._url(path, None), body, {hdrs.CONTENT_TYPE: content_type})

    async def close(self) -> None:
        """Ends what is under way. A later call opens it again."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _url(self, path: Sequence[str], query: Mapping[str, str] | None) -> str:
        for part in path:
            # Some servers undo the escapes before they look at the segments.
            if not part or any(piece in {".", ".."} for piece in part.replace("\\", "/").split("/")):
                raise Problem("VALIDATION_ERROR", errors=[FieldError("path", "no part may be empty, . or ..")])
        url = "/".join([self._base, *(quote(part, safe="") for part in path)])
        pairs = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in (query or {}).items())
        return f"{url}?{pairs}" if pairs else url

    async def _call(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str] | None = None) -> Reply:
        try:
            async with asyncio.timeout(self._seconds):
                for _ in range(MAX_REDIRECTS + 1):
                    found = await self._once(method, url, body, headers)
                    if isinstance(found, Reply):
                        return found
                    url = found
                raise self._failed(f"It redirects more than {MAX_REDIRECTS} times.")
        except TimeoutError:
            raise self._failed(f"No answer within {self._seconds:g} s.") from None
        except _RefusedAddress as error:
            raise self._failed(str(error)) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            refused = _refused_in(error)
            raise self._failed(str(refused or f"It can't be reached: {type(error).__name__}.")) from None

    async def _once(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str] | None) -> Reply | str:
        """The answer, or where it sends us on to."""
        async with self._open().request(
            method, URL(url, encoded=True), data=body, headers=headers, allow_redirects=False
        ) as answer:
            if answer.status in _REDIRECTS:
                if method != hdrs.METH_GET:
                    raise self._failed("It redirects what is sent to it.")
                return self._redirected(url, answer.headers.get(hdrs.LOCATION, ""))
            if answer.headers.get(hdrs.CONTENT_ENCODING, "identity").strip().lower() != "identity":
                raise self._failed("Its answer is packed, which it wasn't asked for.")
            kind = answer.content_type.lower()
            if self._types and answer.status < 300 and kind not in self._types:
                raise self._failed(f"Its answer is {kind[:100]}.")
            return Reply(answer.status, kind, await self._read(answer))

    def _redirected(self, url: str, location: str) -> str:
        try:
            there = urljoin(url, location)
        except ValueError:
            there = ""
        if web_address(there) != self._place:
            raise self._failed("It redirects to elsewhere.")
        return there.partition("#")[0]

    async def _read(self, answer: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        if (answer.content_length or 0) <= self._max_bytes:
            async for piece in answer.content.iter_chunked(_PIECE):
                body += piece
                if len(body) > self._max_bytes:
                    break
            else:
                return bytes(body)
        answer.close()  # what is still on its way is never read
        raise self._failed(f"Its answer is larger than {self._max_bytes} bytes.")

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(
                limit=8, use_dns_cache=False, resolver=self._resolver, socket_factory=self._socket
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                headers=self._headers,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,  # a proxy would do the connecting, unguarded
                auto_decompress=False,
                timeout=aiohttp.ClientTimeout(total=None),
            )
        return self._session

    def _socket(self, info: Any) -> socket.socket:
        """Makes the socket for one address of the place, unless it is refused. This is the last step before the
        connect, so that no name can mean one address when it is judged and another when it is used."""
        family, kind, protocol, _, address = info
        ip = ipaddress.ip_address(address[0].partition("%")[0])
        if self._refuses(ip):
            raise _RefusedAddress(f"{self._place.host} is at {ip}, which the appliance doesn't call.")
        return socket.socket(family, kind, protocol)

    def _refuses(self, ip: Ip) -> bool:
        if self._is_trusted or not is_inward(ip):
            return False
        return not self._allowed.names(WebAddress("http", f"[{ip}]" if ip.version == 6 else str(ip), self._place.port))

    def _failed(self, why: str) -> Problem:
        return Problem(self._code, why)


class _RefusedAddress(OSError):
    """A name that leads to an address which is never called."""


def _refused_in(error: BaseException) -> _RefusedAddress | None:
    """The refusal behind an error of the client's own; with several addresses tried it is among others."""
    for cause in (error, getattr(error, "os_error", None), error.__cause__):
        if isinstance(cause, _RefusedAddress):
            return cause
    return None


def is_inward(ip: Ip) -> bool:
    """Whether an address is one that a factory's other machines are never at: this machine's own (loopback, none at
    all), its link's (a cloud's metadata among them), many machines' at once, or nobody's. IPv4 in IPv6's clothes counts
    as what it is."""
    inner = _inner(ip)
    if inner is not None:
        return is_inward(inner)
    if ip in _METADATA or (ip.version == 4 and ip in ipaddress.IPv4Network("0.0.0.0/8")):
        return True
    return ip.is_loopback or ip.is_link_local or ip.is_multicast or ip.is_unspecified or ip.is_reserved


def _inner(ip: Ip) -> ipaddress.IPv4Address | None:
    if not isinstance(ip, ipaddress.IPv6Address):
        return None
    if ip in _NAT64 or (int(ip) >> 32 == 0 and int(ip) > 1):
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour


def _settings(base: str, reason: str) -> Problem:
    return Problem("SETTINGS_INVALID", f"{base[:200]}: {reason}", values={"where": base[:200], "reason": reason})
