"""What programs read about the API: OpenAPI for its calls, AsyncAPI for the real-time messages."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import msgspec
from aiohttp import hdrs, web

from appliance import __version__
from appliance.api import openapi
from appliance.core import asyncapi


@cache
def _written(describe: Callable[[str], dict[str, Any]]) -> bytes:
    return msgspec.json.encode(describe(__version__))


def routes() -> list[web.RouteDef]:
    def description(describe: Callable[[str], dict[str, Any]]) -> Any:
        async def answer(_request: web.Request) -> web.Response:
            return web.Response(
                body=_written(describe), content_type="application/json", headers={hdrs.CACHE_CONTROL: "no-cache"}
            )

        return answer

    return [
        web.get("/api/asyncapi.json", description(asyncapi.describe)),
        web.get("/api/openapi.json", description(openapi.describe)),
    ]
