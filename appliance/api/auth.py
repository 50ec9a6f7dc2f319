"""Signing in and out, renewing tokens, and who one is."""

from __future__ import annotations

from urllib.parse import urlsplit

import msgspec
from aiohttp import web

from appliance import __version__
from appliance.edge.credentials import SIGN_IN, Credentials, caller
from appliance.edge.server import json_response, read_json
from appliance.edge.urls import Urls
from appliance.relay.auth import Auth, TokenPair
from appliance.relay.people import People
from appliance.relay.principal import Principal

SMALL = 16 * 1024
"""Bytes a stranger's body may have."""


class LogIn(msgspec.Struct, rename="camel"):
    username: str
    password: str
    tokens: bool = False


class Refresh(msgspec.Struct, rename="camel"):
    refresh_token: str


class LogOut(msgspec.Struct, rename="camel"):
    refresh_token: str | None = None


def routes(auth: Auth, people: People, credentials: Credentials, urls: Urls, *, plant: str) -> list[web.RouteDef]:
    """`plant` is the name shown while the plant has none."""

    async def log_in(request: web.Request) -> web.Response:
        body = await read_json(request, LogIn, limit=SMALL)
        address, device = credentials.address(request), credentials.device(request, body.username)
        user = await people.log_in(body.username, body.password, address=address, device=device)
        if body.tokens:
            pair = await auth.grants.sign_in(user.name, actor=f"user:{user.name}")
            return json_response(_tokens(pair, user.role))
        return await signed_in(request, auth, credentials, user.name, user.role)

    async def refresh(request: web.Request) -> web.Response:
        body = await read_json(request, Refresh, limit=SMALL)
        principal, pair = await auth.refresh(body.refresh_token, address=credentials.address(request))
        return json_response(_tokens(pair, principal.role.label))

    async def log_out(request: web.Request) -> web.Response:
        body = await read_json(request, LogOut, optional=True, limit=SMALL)
        response = web.Response(status=204)
        if body is not None and body.refresh_token is not None:
            await auth.grants.end_family_of(body.refresh_token)
            return response
        principal = await credentials.signing_out(request)
        if principal is not None:
            await auth.end(principal)
        credentials.clear_cookie(request, response)
        return response

    async def csrf(request: web.Request) -> web.Response:
        return json_response({"csrfToken": credentials.csrf(request)})

    async def me(request: web.Request) -> web.Response:
        principal = caller(request)
        return json_response(_me(request, principal))

    def _me(request: web.Request, principal: Principal) -> dict[str, object]:
        body: dict[str, object] = {
            "kind": principal.kind,
            "role": principal.role.label,
            "plant": people.plant or plant,
            "version": __version__,
            "address": urlsplit(urls.best()).netloc,
            "tls": credentials.outside.is_secure(request),
        }
        if principal.kind in {"user", "local"}:
            body["username"] = principal.subject
        elif principal.kind == "screen":
            body["screenId"] = principal.screen_id
        else:
            body["keyId"] = principal.subject
        return body

    return [
        web.post(SIGN_IN, log_in),
        web.post("/api/auth/refresh", refresh),
        web.post("/api/auth/logout", log_out),
        web.get("/api/csrf", csrf),
        web.get("/api/me", me),
    ]


async def signed_in(
    request: web.Request, auth: Auth, credentials: Credentials, username: str, role: str, *, status: int = 200
) -> web.Response:
    """The answer that signs a browser in: a cookie, and the CSRF token beside it."""
    value = await auth.cookies.open(username)
    body = {"username": username, "role": role, "csrfToken": credentials.csrf_of(value)}
    response = json_response(body, status)
    credentials.set_cookie(request, response, value)
    credentials.set_device(request, response, username)
    return response


def _tokens(pair: TokenPair, role: str) -> dict[str, object]:
    return {
        "accessToken": pair.access,
        "refreshToken": pair.refresh,
        "expiresIn": pair.expires_in,
        "role": role,
    }
