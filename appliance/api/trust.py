"""What a PC or phone needs to trust the appliance: the local CA's certificate, its fingerprint, and the page about it.

It is also all that is ever served without TLS where TLS is on, beside the way to the address that is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import hdrs, web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.api import pages
from appliance.core.certificates import grouped
from appliance.edge.server import json_response
from appliance.errors import Problem

DOWNLOAD = "vooster-ca"
_PROGRAMS = ("/api/", "/ws", "/socket.io/", "/documents/", "/metrics", "/.well-known/")
"""What programs and scripts ask for. They are told; being sent on would only hide a wrong address in their settings."""


def routes(
    *,
    mode: str,
    plant: Callable[[], str],
    base_url: Callable[[], str],
    authority: Callable[[], x509.Certificate | None],
    server: Callable[[], x509.Certificate | None],
) -> list[web.RouteDef]:
    """`authority` and `server` give the certificates in use; None where there is none."""

    async def about(_request: web.Request) -> web.Response:
        found: dict[str, Any] = {"mode": mode, "name": plant(), "address": base_url()}
        for name, certificate in (("ca", authority()), ("server", server())):
            found[name] = _facts(certificate) if certificate is not None else None
        response = json_response(found)
        response.headers[hdrs.CACHE_CONTROL] = "no-store"
        return response

    def download(encoding: Encoding, kind: str) -> Callable[[web.Request], Any]:
        async def serve(_request: web.Request) -> web.Response:
            certificate = authority()
            if certificate is None:
                raise Problem("NOT_FOUND", "This appliance has no CA of its own.")
            headers = {hdrs.CONTENT_TYPE: kind, hdrs.CACHE_CONTROL: "no-store"}
            return web.Response(body=certificate.public_bytes(encoding), headers=headers)

        return serve

    return [
        web.get("/trust/about.json", about),
        # Phones and browsers know this kind and offer to take the certificate in.
        web.get(f"/trust/{DOWNLOAD}.crt", download(Encoding.DER, "application/x-x509-ca-cert")),
        web.get(f"/trust/{DOWNLOAD}.pem", download(Encoding.PEM, "application/x-pem-file")),
    ]


def plain_routes(own: list[web.RouteDef], *, base_url: Callable[[], str]) -> list[web.RouteDef]:
    """Everything that plain HTTP gets where TLS is on: the page, its files, `own`, and the way to https."""

    async def elsewhere(request: web.Request) -> web.Response:
        is_program = request.method not in {"GET", "HEAD"} or f"{request.path}/".startswith(_PROGRAMS)
        if is_program or hdrs.UPGRADE in request.headers:
            raise Problem("TLS_REQUIRED", "This port speaks https alone.", values={"address": base_url()})
        there = f"https://{request.headers.get(hdrs.HOST, '')}/{request.rel_url.raw_path_qs.lstrip('/')}"
        return web.Response(status=307, headers={hdrs.LOCATION: there, hdrs.CACHE_CONTROL: "no-store"})

    return [
        *own,
        web.get("/trust", pages.page("office.html")),
        web.get("/assets/{path:.+}", pages.asset),
        web.route("*", "/{path:.*}", elsewhere),
    ]


def _facts(certificate: x509.Certificate) -> dict[str, Any]:
    sha256 = certificate.fingerprint(hashes.SHA256())
    return {
        "sha256": grouped(sha256),
        # Windows shows this one alone.
        "sha1": grouped(certificate.fingerprint(hashes.SHA1())),  # noqa: S303 - for people to compare, beside the other
        "until": int(certificate.not_valid_after_utc.timestamp() * 1000),
    }
