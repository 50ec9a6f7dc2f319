"""From a request to its principal: the control socket, a bearer token, or a browser's session cookie with its CSRF."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple

from aiohttp import hdrs, web

from appliance.core.messages import Hello
from appliance.core.permissions import MESSAGES, Rule
from appliance.core.roles import Role
from appliance.edge.local import is_local, local_user
from appliance.edge.outside import Outside
from appliance.errors import Problem
from appliance.relay.auth import Auth
from appliance.relay.principal import Principal
from appliance.storage.people import Session


class StillGood(NamedTuple):
    """Whether a request's credential still is what it was when the request began: `check` raises where it isn't."""

    check: Callable[[], None]


STILL_GOOD: Final = web.RequestKey("still_good", StillGood)
"""Set where the caller is known before his body has come."""
CSRF_HEADER: Final = "X-CSRF-Token"
SIGN_IN: Final = "/api/auth/login"
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_CALLER: Final = web.RequestKey("caller", Principal)
_SIGNED_IN: Final = MESSAGES[Hello]
_COOKIE_SECONDS: Final = 400 * 86_400  # the longest browsers keep; the session itself ends here, after 12 idle hours


def caller(request: web.Request) -> Principal:
    """Who makes a call that asks for a credential: the guard has let it through."""
    return request[_CALLER]


class Credentials:
    """Says who a request is from; `outside` knows what lies between."""

    def __init__(self, auth: Auth, *, instance_id: str, outside: Outside) -> None:
        self._auth = auth
        self.outside = outside
        # Behind a proxy that speaks https the name stays: whoever comes past it, without, couldn't sign in.
        self.cookie_name = f"{'__Host-' if outside.tls else ''}vooster_{instance_id[:8]}"
        self._device_prefix = f"{'__Secure-' if outside.tls else ''}vooster_{instance_id[:8]}_"

    async def admit(self, request: web.Request, rule: Rule) -> None:
        """Lets a request through to its handler, which gets the caller by `caller`.

        Raises `TOKEN_INVALID`, `TOKEN_EXPIRED`, `CSRF_INVALID` or `PERMISSION_DENIED`.
        """
        if rule.least is not None:
            request[_CALLER] = await self.principal(request, rule)

    async def principal(self, request: web.Request, rule: Rule = _SIGNED_IN) -> Principal:
        """The caller, for a call that looks at credentials by itself. Raises as `admit` does."""
        principal = await self._identify(request)
        if principal is None:
            raise Problem("TOKEN_INVALID", "Sign in, or send a bearer token.")
        rule.check(principal.kind, principal.role)
        if not request.content.is_eof():
            request[STILL_GOOD] = StillGood(partial(self._auth.check, principal))
        return principal

    def known(self, request: web.Request) -> Principal | None:
        """Whom a look into memory tells: the caller, whatever it may do; None for whoever has to be looked into."""
        authorization = request.headers.get(hdrs.AUTHORIZATION)
        if authorization is not None:
            return self._auth.cached(authorization.partition(" ")[2].strip())
        value = request.cookies.get(self.cookie_name) if hdrs.COOKIE in request.headers else None
        found = self._auth.session(value) if value else None
        return found[0] if found is not None else None

    async def optional(self, request: web.Request) -> Principal | None:
        """The caller where anyone may ask; None for a credential that is missing or no longer good."""
        try:
            return await self._identify(request)
        except Problem:
            return None

    async def signing_out(self, request: web.Request) -> Principal | None:
        """The caller, or None when the credential has ended anyway. Raises `CSRF_INVALID`."""
        try:
            return await self._identify(request)
        except Problem as problem:
            if problem.code == "CSRF_INVALID":
                raise
            return None

    def address(self, request: web.Request) -> str:
        """The client's network address, as far as it can be believed."""
        return self.outside.address(request)

    def csrf(self, request: web.Request) -> str:
        """The CSRF token of the request's browser session. Raises `TOKEN_INVALID` when it has none."""
        found = self._session(request)
        if found is None:
            raise Problem("TOKEN_INVALID", "There is no browser session.")
        return self._auth.cookies.csrf(found[1])

    def csrf_of(self, cookie: str) -> str:
        """The CSRF token of the session that has just been opened."""
        found = self._auth.session(cookie)
        return self._auth.cookies.csrf(found[1]) if found is not None else ""

    def set_cookie(self, request: web.Request, response: web.Response, value: str) -> None:
        response.set_cookie(
            self.cookie_name,
            value,
            max_age=_COOKIE_SECONDS,
            path="/",
            httponly=True,
            samesite="Strict",
            secure=self.outside.is_secure(request),
        )

    def clear_cookie(self, request: web.Request, response: web.Response) -> None:
        secure = self.outside.is_secure(request)
        response.del_cookie(self.cookie_name, path="/", httponly=True, samesite="Strict", secure=secure)

    def device(self, request: web.Request, username: str) -> str:
        """What a browser keeps that `username` has signed in with before; empty where it has nothing of the kind."""
        return request.cookies.get(self._device_name(username), "") if hdrs.COOKIE in request.headers else ""

    def set_device(self, request: web.Request, response: web.Response, username: str) -> None:
        """Lets the browser keep that `username` has signed in with it; a sign-in alone is told of it."""
        user = self._auth.user(username)
        if user is None:
            return
        response.set_cookie(
            self._device_name(username),
            self._auth.devices.made(user, self.device(request, username)),
            max_age=_COOKIE_SECONDS,
            path=SIGN_IN,
            httponly=True,
            samesite="Strict",
            secure=self.outside.is_secure(request),
        )

    def _device_name(self, username: str) -> str:
        return f"{self._device_prefix}{self._auth.devices.mark(username)}"

    async def _identify(self, request: web.Request) -> Principal | None:
        if is_local(request):
            return Principal("local", local_user(request), Role.ADMIN)
        authorization = request.headers.get(hdrs.AUTHORIZATION)
        if authorization is not None:
            scheme, _, token = authorization.partition(" ")
            token = token.strip(" \t")  # what a header may have around it, and no other space
            if scheme.lower() != "bearer" or not token:
                raise Problem("TOKEN_INVALID", "Only bearer tokens are taken.")
            return self._auth.cached(token) or await self._auth.bearer(token)
        found = self._session(request)
        if found is None:
            return None
        principal, session = found
        if request.method not in _SAFE:
            sent = request.headers.get(CSRF_HEADER, "")
            if not hmac.compare_digest(sent.encode(errors="surrogatepass"), self._auth.cookies.csrf(session).encode()):
                raise Problem("CSRF_INVALID")
        return principal

    def _session(self, request: web.Request) -> tuple[Principal, Session] | None:
        if hdrs.COOKIE not in request.headers:
            return None
        value = request.cookies.get(self.cookie_name)
        if not value:
            return None
        found = self._auth.session(value)
        if found is None:
            raise Problem("TOKEN_EXPIRED", "The browser session has ended.")
        return found
