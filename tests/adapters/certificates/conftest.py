"""A clock and names that a test sets, and a TLS handshake without a network."""

from __future__ import annotations

import contextlib
import ssl
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.adapters.certificates import Certificates
from appliance.paths import DataDir
from appliance.settings import Tls

DAY_MS = 86_400_000


class Machine:
    """One appliance's certificates, on a machine whose date and addresses change."""

    def __init__(self, root: Path, tls: Tls | None = None) -> None:
        self.data = DataDir(root)
        self.now = time.time_ns() // 1_000_000
        self.names = ["localhost", "127.0.0.1", "192.168.0.7"]
        self.tls = tls or Tls(mode="auto")
        self.started: list[Certificates] = []

    async def start(self) -> Certificates:
        found = Certificates(self.tls, self.data, owner="0a1b2c3d", names=lambda: self.names, now=lambda: self.now)
        await found.start()
        self.started.append(found)
        return found

    def later(self, days: float) -> None:
        self.now += int(days * DAY_MS)


@pytest.fixture
async def machine(tmp_path: Path) -> AsyncIterator[Machine]:
    found = Machine(tmp_path)
    yield found
    for one in found.started:
        await one.stop()


def serial(certificates: Certificates) -> int:
    return certificates.server.serial_number


def pem(certificate: x509.Certificate | None) -> str:
    assert certificate is not None
    return certificate.public_bytes(Encoding.PEM).decode()


def shake_hands(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> bytes:
    """The server's certificate as the client sees it. Raises `ssl.SSLError` where it doesn't trust it for `name`."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    there = server.wrap_bio(up, down, server_side=True)
    here = client.wrap_bio(down, up, server_hostname=name)
    for _ in range(4):
        for side in (here, there):
            with contextlib.suppress(ssl.SSLWantReadError):
                side.do_handshake()
    seen = here.getpeercert(binary_form=True)
    assert seen is not None
    return seen
