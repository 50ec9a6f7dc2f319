"""Pairing, both ways: the monitor shows a code (RFC 8628, whose own names are kept), or a supervisor hands one over."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from aiohttp import web
from msgspec import Meta

from appliance.api.auth import SMALL
from appliance.core import pairing as rules
from appliance.core.pairing import Waiting
from appliance.core.screens import MAX_DISPLAY_INDEX, Client, Display
from appliance.edge.credentials import Credentials, caller
from appliance.edge.server import json_response, read_json
from appliance.edge.urls import Urls
from appliance.relay import qr
from appliance.relay.pairing import Pairings, PollError

Short = Annotated[str, Meta(max_length=200)]
Pixels = Annotated[float, Meta(ge=-1_000_000, le=1_000_000)]
MAX_OFFER_SECONDS = 3600


class ClientInfo(msgspec.Struct, rename="camel"):
    name: Short = ""
    version: Short = ""


class Bounds(msgspec.Struct, rename="camel"):
    left: Pixels = 0
    top: Pixels = 0
    width: Pixels = 0
    height: Pixels = 0


class DisplayInfo(msgspec.Struct, rename="camel"):
    index: Annotated[int, Meta(ge=0, le=MAX_DISPLAY_INDEX)]
    name: Short | None = None
    bounds: Bounds | None = None
    primary: bool | None = None


class Begin(msgspec.Struct):
    client: ClientInfo = msgspec.field(default_factory=ClientInfo)
    displays: Annotated[list[DisplayInfo], Meta(max_length=MAX_DISPLAY_INDEX + 1)] = []


class Poll(msgspec.Struct):
    device_code: str
    wait: Annotated[float, Meta(ge=0, le=60)] = 0
    """Seconds the answer may wait for the decision; without it the answer comes at once, as RFC 8628 has it."""


class Approve(msgspec.Struct):
    user_code: str
    confirm: str
    screen_id: str = msgspec.field(name="screenId")
    name: str | None = None
    replace: bool = False


class Deny(msgspec.Struct):
    user_code: str


class NewOffer(msgspec.Struct, rename="camel"):
    screen_id: str
    ttl_seconds: Annotated[int, Meta(ge=1, le=MAX_OFFER_SECONDS)] = rules.LIFE_MS // 1000
    replace: bool = False


class Claim(msgspec.Struct, rename="camel"):
    screen_id: str
    token: str
    client: ClientInfo = msgspec.field(default_factory=ClientInfo)
    displays: Annotated[list[DisplayInfo], Meta(max_length=MAX_DISPLAY_INDEX + 1)] = []


class Renew(msgspec.Struct, rename="camel"):
    screen_id: str
    device_secret: str


class Provision(msgspec.Struct, rename="camel"):
    screen_ids: Annotated[list[str], Meta(min_length=1, max_length=500)]


def routes(pairings: Pairings, credentials: Credentials, urls: Urls, *, plant: Callable[[], str]) -> list[web.RouteDef]:
    drawing = asyncio.Lock()

    async def begin(request: web.Request) -> web.Response:
        body = await read_json(request, Begin, limit=SMALL)
        client = Client(body.client.name, body.client.version, credentials.address(request))
        waiting, device_code = pairings.begin(client, _displays(body.displays), address=client.address)
        page = f"{urls.for_phone(request)}/approve"
        complete = urls.marked(f"{page}#{rules.shown(waiting.code)}")
        async with drawing:  # milliseconds each: whoever asks for many lets others have their turn in between
            picture = qr.svg(complete, quick=True)
            await asyncio.sleep(0)
        return json_response(
            {
                "device_code": device_code,
                "user_code": rules.shown(waiting.code),
                "verification_uri": page,
                "verification_uri_complete": complete,
                "expires_in": rules.LIFE_MS // 1000,
                "interval": rules.INTERVAL_MS // 1000,
                "qr": {"svg": picture},
                "plant": plant(),
            }
        )

    async def token(request: web.Request) -> web.Response:
        body = await read_json(request, Poll, limit=SMALL)
        try:
            pairing = await pairings.poll(body.device_code, server_url=urls.seen(request), hold=body.wait)
        except PollError as refusal:
            return json_response({"error": refusal.error}, 400)
        return json_response(pairing)

    async def look(request: web.Request) -> web.Response:
        asked = request.match_info["user_code"]
        waiting = pairings.look(asked, actor=caller(request).actor)
        # Who knows the first half alone isn't told the second: it is read off the monitor.
        whole = len(rules.normalise(asked) or "") > rules.HALF
        return json_response({"user_code": rules.shown(waiting.code) if whole else waiting.prefix, **_facts(waiting)})

    async def waiting_list(_request: web.Request) -> web.Response:
        items = [{"user_code_prefix": waiting.prefix, **_facts(waiting)} for waiting in pairings.waiting()]
        return json_response({"items": items, "cursor": None})

    async def approve(request: web.Request) -> web.Response:
        principal = caller(request)
        body = await read_json(request, Approve)
        screen_id, name = await pairings.approve(
            body.user_code, body.confirm, body.screen_id, by=principal, name=body.name, replace=body.replace
        )
        return json_response({"screenId": screen_id, "name": name})

    async def deny(request: web.Request) -> web.Response:
        principal = caller(request)
        body = await read_json(request, Deny)
        await pairings.deny(body.user_code, actor=principal.actor)
        return web.Response(status=204)

    async def offer(request: web.Request) -> web.Response:
        principal = caller(request)
        body = await read_json(request, NewOffer)
        pairings.check_scope(principal, body.screen_id)
        secret, expires_at = await pairings.offer(
            body.screen_id, actor=principal.actor, seconds=body.ttl_seconds, replace=body.replace
        )
        url = urls.marked(f"{urls.for_phone(request)}/pair?screenId={body.screen_id}#token={secret}")
        picture = base64.b64encode(qr.png(url)).decode()
        codes = {"svg": qr.svg(url), "png": f"data:image/png;base64,{picture}"}
        return json_response({"url": url, "token": secret, "expiresAt": expires_at, "qr": codes}, 201)

    async def claim(request: web.Request) -> web.Response:
        body = await read_json(request, Claim, limit=SMALL)
        address = credentials.address(request)
        client = Client(body.client.name, body.client.version, address)
        pairing = await pairings.claim(
            *(body.screen_id, body.token, client, _displays(body.displays)),
            address=address,
            server_url=urls.seen(request),
        )
        return json_response(pairing)

    async def renew(request: web.Request) -> web.Response:
        body = await read_json(request, Renew, limit=SMALL)
        pairing = await pairings.renew(
            body.screen_id, body.device_secret, address=credentials.address(request), server_url=urls.seen(request)
        )
        return json_response(pairing)

    async def provision(request: web.Request) -> web.Response:
        principal = caller(request)
        body = await read_json(request, Provision)
        made = await pairings.provision(body.screen_ids, actor=principal.actor, server_url=urls.best())
        return json_response({"items": made, "cursor": None}, 201)

    return [
        web.post("/api/pairing/device", begin),
        web.post("/api/pairing/token", token),
        web.get("/api/pairing/device/{user_code}", look),
        web.get("/api/pairing/devices", waiting_list),
        web.post("/api/pairing/approve", approve),
        web.post("/api/pairing/deny", deny),
        web.post("/api/pairing/offers", offer),
        web.post("/api/pairing/claim", claim),
        web.post("/api/pairing/provision", provision),
        web.post("/api/auth/device", renew),
    ]


def _displays(declared: list[DisplayInfo]) -> list[Display]:
    return [
        Display(
            display.index,
            display.name,
            msgspec.structs.asdict(display.bounds) if display.bounds is not None else None,
            display.primary,
        )
        for display in declared
    ]


def _facts(waiting: Waiting) -> dict[str, Any]:
    return {
        "client": {"name": waiting.client.name, "version": waiting.client.version},
        "displays": waiting.displays,
        "address": waiting.address,
        "createdAt": waiting.created_at,
        "expiresAt": waiting.expires_at,
    }
