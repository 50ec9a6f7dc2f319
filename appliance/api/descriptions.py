"""What programs read about the wires: the AsyncAPI description of the real-time messages."""

from __future__ import annotations

from functools import cache

import msgspec
from aiohttp import hdrs, web

from appliance import __version__
from appliance.core.asyncapi import describe


@cache
def _asyncapi() -> bytes:
    return msgspec.json.encode(describe(__version__))


def routes() -> list[web.RouteDef]:
    async def asyncapi(_request: web.Request) -> web.Response:
        return web.Response(body=_asyncapi(), content_type="application/json", headers={hdrs.CACHE_CONTROL: "no-cache"})

    return [web.get("/api/asyncapi.json", asyncapi)]
