"""The pages and their assets, the documents, and what anyone may ask about the appliance."""

from __future__ import annotations

import asyncio
import mimetypes
from collections.abc import Awaitable, Callable
from importlib.resources.abc import Traversable
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from appliance import PROTOCOL_VERSION, __version__
from appliance.core.documents import content_type
from appliance.edge.outside import Outside
from appliance.edge.server import json_response
from appliance.errors import Problem
from appliance.paths import package_data
from appliance.relay.documents import Documents
from appliance.relay.plant import Plant

_OFFICE = (
    "/", "/setup", "/login", "/screens", "/screens/{rest:.+}", "/approve", "/pair", "/dead-letters", "/trust",
    "/discovery", "/extension",
)  # fmt: skip
_PAGES = frozenset({*_OFFICE, "/display", "/scan", "/viewer"}) - {"/"}
# What programs ask for; whatever else nobody knows was typed or followed by a person.
_UNKNOWN = r"/{path:(?!(api|documents|assets|ws|metrics|socket\.io|\.well-known)(/|\Z)).*}"
_DOCUMENT_HEADERS = {
    # Documents are strangers: whatever they carry runs in an origin of its own.
    "Content-Security-Policy": "sandbox allow-scripts",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    hdrs.CACHE_CONTROL: "private, no-cache",
    hdrs.CONTENT_DISPOSITION: "inline",
}
_SAMPLE_BYTES = 4096
_TYPES = {
    ".mjs": "text/javascript",
    ".js": "text/javascript",
    ".wasm": "application/wasm",
    ".bcmap": "application/octet-stream",
}


def routes(
    *,
    plant: Plant,
    documents: Documents,
    outside: Outside,
    base_url: Callable[[], str],
    host: Callable[[], str | None],
    setup_complete: Callable[[], bool],
) -> list[web.RouteDef]:
    no_page = page("office.html", 404)

    async def unknown(request: web.Request) -> web.StreamResponse:
        """A person gets the page that says so, or is sent on where only a slash was too much; a program a problem."""
        if "text/html" not in request.headers.get(hdrs.ACCEPT, ""):
            raise Problem("NOT_FOUND")
        path = request.path.rstrip("/")
        if path in _PAGES:
            there = str(request.rel_url.with_path(path, keep_query=True))
            return web.Response(status=302, headers={hdrs.LOCATION: there})
        return await no_page(request)

    async def document(request: web.Request) -> web.StreamResponse:
        path = request.rel_url.raw_path
        # Nothing may follow the path: a link is good in one spelling only.
        found = await asyncio.to_thread(_open, documents, path) if request.raw_path.endswith(path) else None
        if found is None:
            raise Problem("NOT_FOUND", "There is no such document, or its link has ended.")
        file, sample = found
        return web.FileResponse(file, headers={**_DOCUMENT_HEADERS, hdrs.CONTENT_TYPE: content_type(file.name, sample)})

    async def well_known(request: web.Request) -> web.Response:
        http = outside.base(request) if request.remote else base_url()
        response = json_response(
            {
                "product": "vooster",
                "protocol": PROTOCOL_VERSION,
                "version": __version__,
                "instanceId": plant.instance_id,
                "name": plant.name,
                "urls": {
                    "http": http,
                    "ws": f"ws{http.removeprefix('http')}/ws",
                    "socketio": f"{http}/socket.io/",
                    "events": f"{http}/api/events/subscribe",
                    "asyncapi": f"{http}/api/asyncapi.json",
                    "openapi": f"{http}/api/openapi.json",
                },
                "tls": http.startswith("https:"),
                "setupComplete": setup_complete(),
                "address": urlsplit(base_url()).netloc,
                "host": host(),
            }
        )
        response.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = "*"
        return response

    return [
        *(web.get(path, page("office.html")) for path in _OFFICE),
        web.get("/display", page("display.html")),
        web.get("/scan", page("scan.html")),
        web.get("/viewer", page("viewer.html")),
        web.get("/assets/{path:.+}", asset),
        web.get("/documents/{path:.+}", document),
        web.get("/.well-known/vooster", well_known),
        web.get(_UNKNOWN, unknown),
    ]


def page(file: str, status: int = 200) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Serves one of the built pages."""
    place = package_data("static").joinpath(file)

    async def serve(_request: web.Request) -> web.Response:
        return web.Response(
            body=_read(place),
            status=status,
            content_type="text/html",
            charset="utf-8",
            headers={hdrs.CACHE_CONTROL: "no-cache"},
        )

    return serve


async def asset(request: web.Request) -> web.StreamResponse:
    """What the pages load."""
    file = _within(package_data("static").joinpath("assets"), request.match_info["path"])
    if file is None:
        raise Problem("NOT_FOUND", "There is no such file.")
    kind = _TYPES.get(Path(file.name).suffix) or mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    headers = {hdrs.CONTENT_TYPE: kind, hdrs.CACHE_CONTROL: "public, max-age=31536000, immutable"}
    if isinstance(file, Path):
        return web.FileResponse(file, headers=headers)
    return web.Response(body=_read(file), headers=headers)


def _open(documents: Documents, path: str) -> tuple[Path, bytes] | None:
    """The file behind a link with its first bytes; on a share each of these steps may take its time."""
    file = documents.open(path)
    if file is None:
        return None
    try:
        with file.open("rb") as opened:
            return file, opened.read(_SAMPLE_BYTES)
    except OSError:
        return None


def _read(file: Traversable) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        raise Problem("NOT_FOUND", "There is no such page in this build.") from None


def _within(folder: Traversable, path: str) -> Traversable | None:
    parts = path.split("/")
    if any(part in {"", ".", ".."} or "\\" in part or "\0" in part for part in parts):
        return None
    file = folder
    for part in parts:
        file = file.joinpath(part)
    try:
        return file if file.is_file() else None
    except OSError:  # a name that no file system takes
        return None
