"""Users and API keys, for admins."""

from __future__ import annotations

from typing import Any

import msgspec
from aiohttp import web
from msgspec import UNSET, UnsetType

from appliance.edge.credentials import Credentials, caller
from appliance.edge.server import json_response, read_json
from appliance.relay.people import People
from appliance.storage.people import Key, User


class NewUser(msgspec.Struct, rename="camel"):
    username: str
    password: str
    role: str
    groups: list[str] | None = None


class UserChange(msgspec.Struct, rename="camel"):
    role: str | None = None
    password: str | None = None
    groups: list[str] | UnsetType | None = UNSET


class NewKey(msgspec.Struct, rename="camel"):
    name: str
    role: str
    screens: list[str] | None = None
    groups: list[str] | None = None
    expires_at: int | None = None


def routes(people: People, credentials: Credentials) -> list[web.RouteDef]:
    async def users(_request: web.Request) -> web.Response:
        return json_response({"items": [_user(user) for user in people.users()], "cursor": None})

    async def add_user(request: web.Request) -> web.Response:
        actor = caller(request).actor
        body = await read_json(request, NewUser)
        user = await people.add_user(body.username, body.password, body.role, groups=body.groups, actor=actor)
        return json_response(_user(user), 201)

    async def user(request: web.Request) -> web.Response:
        return json_response(_user(people.require_user(request.match_info["id"])))

    async def change_user(request: web.Request) -> web.Response:
        actor = caller(request).actor
        body = await read_json(request, UserChange)
        changed = await people.change_user(
            request.match_info["id"], role=body.role, password=body.password, groups=body.groups, actor=actor
        )
        response = json_response(_user(changed))
        if body.password is not None and actor == f"user:{changed.name}":
            credentials.set_device(request, response, changed.name)  # he signs in anew now, and is known by it still
        return response

    async def remove_user(request: web.Request) -> web.Response:
        actor = caller(request).actor
        await people.remove_user(request.match_info["id"], actor=actor)
        return web.Response(status=204)

    async def keys(_request: web.Request) -> web.Response:
        return json_response({"items": [_key(key) for key in people.api_keys()], "cursor": None})

    async def add_key(request: web.Request) -> web.Response:
        actor = caller(request).actor
        body = await read_json(request, NewKey)
        key, text = await people.add_key(
            body.name, body.role, screens=body.screens, groups=body.groups, expires_at=body.expires_at, actor=actor
        )
        return json_response({**_key(key), "key": text}, 201)

    async def key(request: web.Request) -> web.Response:
        return json_response(_key(people.require_key(request.match_info["id"])))

    async def remove_key(request: web.Request) -> web.Response:
        actor = caller(request).actor
        await people.remove_key(request.match_info["id"], actor=actor)
        return web.Response(status=204)

    key_path = "/api/keys/{id:[0-9a-f]{8}}"  # never the word beside it
    return [
        web.get("/api/users", users),
        web.post("/api/users", add_user),
        web.get("/api/users/{id}", user),
        web.patch("/api/users/{id}", change_user),
        web.delete("/api/users/{id}", remove_user),
        web.get("/api/keys", keys),
        web.post("/api/keys", add_key),
        web.get(key_path, key),
        web.delete(key_path, remove_key),
    ]


def _user(user: User) -> dict[str, Any]:
    return {
        "id": user.name,
        "username": user.name,
        "role": user.role,
        "groups": user.groups,
        "createdAt": user.created_at,
        "signedInAt": user.signed_in_at,
    }


def _key(key: Key) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "role": key.role,
        "screens": key.screens,
        "groups": key.groups,
        "createdAt": key.created_at,
        "lastUsedAt": key.last_used_at,
        "expiresAt": key.expires_at,
    }
