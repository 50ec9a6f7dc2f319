"""The local control socket: a Unix socket only its owner can open, on Windows a named pipe."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys

from aiohttp import BaseConnector, NamedPipeConnector, UnixConnector, web

from appliance.paths import DataDir

_WINDOWS = sys.platform == "win32"


def _pipe(data: DataDir) -> str:
    name = hashlib.sha256(str(data.root).lower().encode()).hexdigest()[:16]
    return rf"\\.\pipe\vooster-{name}"


async def listen(runner: web.AppRunner, data: DataDir) -> None:
    """Begins to serve on the control socket of `data`; its directory's lock must be held."""
    if _WINDOWS:
        await web.NamedPipeSite(runner, _pipe(data)).start()
        return
    path = data.control_socket
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        path.unlink()  # left by a process that was killed; the lock says that nobody listens there
    before = os.umask(0o177)
    try:
        await web.UnixSite(runner, str(path)).start()
    finally:
        os.umask(before)


def remove(data: DataDir) -> None:
    """Takes the closed socket's file away, so that a directory that is gone leaves nothing behind elsewhere."""
    if not _WINDOWS:
        data.control_socket.unlink(missing_ok=True)


def connector(data: DataDir) -> BaseConnector:
    """For an `aiohttp.ClientSession` that talks to the appliance running on `data`."""
    return NamedPipeConnector(_pipe(data)) if _WINDOWS else UnixConnector(str(data.control_socket))
