"""What the appliance says of itself: health, figures, the live page's stream, and Prometheus' text."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
from aiohttp import hdrs, web

from appliance.api.exposition import Exposition
from appliance.api.queries import reach
from appliance.api.views import scan_view
from appliance.core.permissions import CALLS
from appliance.edge.browsers import Browsers
from appliance.edge.credentials import Credentials, caller
from appliance.edge.outside import is_sent_on
from appliance.edge.server import json_response
from appliance.errors import Problem
from appliance.relay.events import Events
from appliance.relay.held import Held
from appliance.relay.plant import Plant
from appliance.relay.principal import Principal
from appliance.relay.recent import Recent
from appliance.relay.screens import Screens
from appliance.relay.status import Status

STREAM_SECONDS = 1.0
"""At most this often a live page hears of changes."""
PING_SECONDS = 20.0
MAX_STREAMS, MAX_STREAMS_EACH = 200, 20
"""Live pages that may be open: of all, and of one user or key."""


def routes(
    *,
    credentials: Credentials,
    status: Status,
    plant: Plant,
    screens: Screens,
    recent: Recent,
    events: Events,
    exposition: Exposition,
    held: Held,
    touch: Callable[[Principal], bool],
    browsers: Browsers,
) -> list[web.RouteDef]:
    streams: Counter[str] = Counter()

    async def health(request: web.Request) -> web.Response:
        word, checks = status.health()
        principal = await credentials.optional(request)
        # The details speak of the whole plant: its folders, the numbers of its orders.
        detailed = principal is not None and principal.kind != "screen" and principal.unlimited
        body = {
            "status": word,
            "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "uptime": status.uptime_seconds,
            "checks": {name: check if detailed else {"status": check["status"]} for name, check in checks.items()},
        }
        return json_response(body, 200 if word != "fail" else 503)

    async def live(_request: web.Request) -> web.Response:
        return json_response({"status": "ok"})

    async def ready(_request: web.Request) -> web.Response:
        good = status.ready and status.health()[0] != "fail"
        return json_response({"status": "ok" if good else "fail"}, 200 if good else 503)

    async def figures(_request: web.Request) -> web.Response:
        return json_response(status.metrics())

    async def snapshot(principal: Principal) -> dict[str, Any]:
        def name(screen_id: str) -> str:
            screen = screens.get(screen_id)
            return screen.name if screen is not None else screen_id

        def visible(screen_id: str | None) -> bool:
            return screen_id is None or screens.reaches(principal, screen_id)

        found = await status.dashboard(reach(screens, principal))
        found["recentErrors"] = [error for error in found["recentErrors"] if visible(error["screenId"])]
        scans = [scan_view(d, name(d.screen_id)) for d in recent if visible(d.screen_id)]
        return {**found, "plant": plant.name, "recentScans": scans}

    async def dashboard(request: web.Request) -> web.Response:
        return json_response(await snapshot(caller(request)))

    async def stream(request: web.Request) -> web.StreamResponse:
        principal = caller(request)
        if streams.total() >= MAX_STREAMS or streams[principal.actor] >= MAX_STREAMS_EACH:
            raise Problem("RATE_LIMITED", "Too many live pages are open.", values={"seconds": 10}, retry_after=10)
        response = web.StreamResponse(
            headers={hdrs.CONTENT_TYPE: "text/event-stream", hdrs.CACHE_CONTROL: "no-store", "X-Accel-Buffering": "no"}
        )
        await response.prepare(request)
        streams[principal.actor] += 1
        try:
            with browsers.stream(request), contextlib.suppress(ConnectionError, Problem):
                async with held.while_good(principal):
                    await _follow(response, principal)
        finally:
            streams[principal.actor] -= 1
            if not streams[principal.actor]:
                del streams[principal.actor]
        return response

    async def _follow(response: web.StreamResponse, principal: Principal) -> None:
        before = await snapshot(principal)
        version = events.version
        await response.write(_event("snapshot", before))
        loop = asyncio.get_running_loop()
        pinged = loop.time()
        while touch(principal) and status.ready:
            try:
                async with asyncio.timeout(STREAM_SECONDS * 5):
                    version = await events.after(version)
            except TimeoutError:
                version = events.version
            now = await snapshot(principal)
            changed = {name: value for name, value in now.items() if value != before[name]}
            before = now
            # The clock alone is no news, but a page that hears nothing can't tell quiet from cut off.
            if changed.keys() - {"time", "uptime"}:
                await response.write(_event("change", changed))
            if loop.time() - pinged >= PING_SECONDS:
                pinged = loop.time()
                await response.write(_event("ping", {"t": now["time"]}))
            await asyncio.sleep(STREAM_SECONDS)

    async def prometheus(request: web.Request) -> web.Response:
        nearby = request.remote in {"127.0.0.1", "::1"} and not is_sent_on(request)
        if not nearby:
            await credentials.principal(request, CALLS["GET", "/api/metrics"])
        return web.Response(
            body=exposition.text(), headers={hdrs.CONTENT_TYPE: "text/plain; version=0.0.4; charset=utf-8"}
        )

    return [
        web.get("/api/health", health),
        web.get("/api/health/live", live),
        web.get("/api/health/ready", ready),
        web.get("/api/metrics", figures),
        web.get("/api/monitoring/dashboard", dashboard),
        web.get("/api/monitoring/stream", stream, allow_head=False),  # an answer to a HEAD has no body to stream
        web.get("/metrics", prometheus),
    ]


def _event(name: str, data: dict[str, Any]) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + msgspec.json.encode(data) + b"\n\n"
