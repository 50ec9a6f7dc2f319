"""Labels to print and stick on stations: a QR each, that opens the station's page on a supervisor's phone."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

from aiohttp import web

from appliance.core.roles import Role
from appliance.edge.credentials import caller
from appliance.edge.server import json_response
from appliance.edge.urls import Urls
from appliance.errors import FieldError, Problem
from appliance.relay import qr
from appliance.relay.screens import Screens

MAX_LABELS = 24
"""Of one call; drawing one takes a hundredth of a second of the processor's time."""


def routes(screens: Screens, urls: Urls) -> list[web.RouteDef]:
    async def labels(request: web.Request) -> web.Response:
        """The labels of the screens named in the query, `screenId=` each. They hold an address and no secret."""
        principal = caller(request)
        wanted = list(dict.fromkeys(request.query.getall("screenId", [])))
        if not 1 <= len(wanted) <= MAX_LABELS:
            raise Problem(
                "VALIDATION_ERROR",
                "Not a page of labels.",
                errors=[FieldError("screenId", f"1 to {MAX_LABELS} of them")],
            )
        for screen_id in wanted:
            if not screens.reaches(principal, screens.require(screen_id).screen_id):
                raise Problem(
                    "PERMISSION_DENIED", "This screen is out of your reach.", values={"role": Role.ADMIN.label}
                )
        base = urls.for_phone(request)
        addresses = [f"{base}/pair?screenId={screen_id}" for screen_id in wanted]
        drawn = await asyncio.to_thread(lambda: [qr.svg(address) for address in addresses])
        items = [
            {"screenId": screen_id, "url": address, "qr": {"svg": svg}}
            for screen_id, address, svg in zip(wanted, addresses, drawn, strict=True)
        ]
        return json_response({"items": items, "cursor": None, "address": urlsplit(base).netloc})

    return [web.get("/api/pairing/labels", labels)]
