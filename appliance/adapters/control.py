"""The local control socket: a Unix socket only its owner can open, on Windows a named pipe."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
from pathlib import Path

from aiohttp import BaseConnector, NamedPipeConnector, UnixConnector, web

from appliance.paths import DataDir, private

_WINDOWS = sys.platform == "win32"


def _pipe(data: DataDir, *, alone: bool) -> str:
    name = hashlib.sha256(str(data.root).lower().encode()).hexdigest()[:16]
    return rf"\\.\pipe\vooster-{name}{'-command' if alone else ''}"


def _file(data: DataDir, *, alone: bool) -> Path:
    return data.command_socket if alone else data.control_socket


def _checked(data: DataDir, *, alone: bool) -> Path:
    """The socket's file. Away from the data, others who could write where it is could stand in for us."""
    path = _file(data, alone=alone)
    if path.parent != data.root:
        private(path.parent)
    return path


async def listen(runner: web.AppRunner, data: DataDir, *, alone: bool = False) -> None:
    """Begins to serve on the control socket of `data`; its directory's lock must be held.

    `alone` is for a command's own appliance, which nobody but that command may find: it ends with it. Raises
    `SETTINGS_INVALID` when others could write where the socket belongs.
    """
    if _WINDOWS:
        await web.NamedPipeSite(runner, _pipe(data, alone=alone)).start()
        return
    path = _checked(data, alone=alone)
    with contextlib.suppress(FileNotFoundError):
        path.unlink()  # left by a process that was killed; the lock says that nobody listens there
    before = os.umask(0o177)
    try:
        await web.UnixSite(runner, str(path)).start()
    finally:
        os.umask(before)


def remove(data: DataDir, *, alone: bool = False) -> None:
    """Takes the closed socket's file away, so that a directory that is gone leaves nothing behind elsewhere."""
    if not _WINDOWS:
        _file(data, alone=alone).unlink(missing_ok=True)


def connector(data: DataDir, *, alone: bool = False) -> BaseConnector:
    """For an `aiohttp.ClientSession` that talks to the appliance on `data`: the running one, or a command's own."""
    if _WINDOWS:
        return NamedPipeConnector(_pipe(data, alone=alone))
    return UnixConnector(str(_checked(data, alone=alone)))
