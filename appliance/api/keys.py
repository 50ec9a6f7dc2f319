"""The appliance's own keys: new ones at an administrator's word."""

from __future__ import annotations

from aiohttp import web

from appliance.edge.credentials import caller
from appliance.edge.server import json_response
from appliance.relay.keyring import Keyring
from appliance.storage.database import Database


def routes(keyring: Keyring, database: Database) -> list[web.RouteDef]:
    async def rotate(request: web.Request) -> web.Response:
        await keyring.replace(database, actor=caller(request).actor)
        return json_response({"kid": keyring.present.jwt[0].kid})

    return [web.post("/api/keys/rotate", rotate)]
