"""The first run: what was checked already, and the first admin. Once there is one, this is closed for good."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Literal

import msgspec
from aiohttp import hdrs, web

from appliance.api.auth import SMALL, signed_in
from appliance.edge.credentials import Credentials
from appliance.edge.local import is_local, local_user
from appliance.edge.server import json_response, read_json
from appliance.edge.urls import Urls
from appliance.errors import Problem, Texts
from appliance.relay.auth import Auth
from appliance.relay.people import People


class Check(msgspec.Struct, frozen=True, rename="camel"):
    """One thing that was looked at before anybody asked. `ok` None: it couldn't be found out."""

    name: Literal["address", "mdns", "folder", "disk", "firewall"]
    ok: bool | None
    value: str
    detail: Texts


class SetUp(msgspec.Struct, rename="camel"):
    username: str
    password: str
    token: str | None = None
    name: str | None = None


def setup_link(base_url: str, token: str) -> str:
    """The link to open; the token is in the fragment, which is never sent, so in no log and no `Referer`."""
    return f"{base_url}/setup#token={token}"


def routes(
    auth: Auth,
    people: People,
    credentials: Credentials,
    urls: Urls,
    *,
    checks: Callable[[], Awaitable[list[Check]]],
) -> list[web.RouteDef]:
    async def look(request: web.Request) -> web.Response:
        if not is_local(request):
            scheme, _, token = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
            people.check_setup_token(token.strip(" \t") if scheme.lower() == "bearer" else "")
        elif people.complete:
            raise Problem("SETUP_COMPLETE")
        return json_response({"complete": False, "checks": await checks()})

    async def finish(request: web.Request) -> web.Response:
        if people.complete:
            raise Problem("SETUP_COMPLETE")
        body = await read_json(request, SetUp, limit=SMALL)
        local = is_local(request)
        actor = f"local:{local_user(request)}" if local else f"setup:{credentials.address(request)}"
        token = None if local else body.token or ""
        user = await people.set_up(body.username, body.password, body.name, token=token, actor=actor)
        if local:
            return json_response({"username": user.name, "role": user.role}, 201)
        return await signed_in(request, auth, credentials, user.name, user.role, status=201)

    async def link(request: web.Request) -> web.Response:
        """A fresh link, for whoever is at the machine itself."""
        if not is_local(request):
            raise Problem("NOT_FOUND")
        token, expires_at = await people.new_setup_token(actor=f"local:{local_user(request)}")
        return json_response({"url": setup_link(urls.best(), token), "expiresAt": expires_at}, 201)

    return [
        web.get("/api/setup", look),
        web.post("/api/setup", finish),
        web.post("/api/setup/link", link),
    ]
