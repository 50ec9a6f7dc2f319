"""Whether somebody at the machine itself is on the other end, by the control socket, and which user that is."""

from __future__ import annotations

import getpass
import os
import socket
import struct
import sys

from aiohttp import web

from appliance.errors import Problem

_UNIX = getattr(socket, "AF_UNIX", None)


def is_local(request: web.Request) -> bool:
    """Whether the request came over the control socket (a Unix socket, on Windows a named pipe)."""
    if request.remote:  # a network peer has an address; asked first because it is free
        return False
    transport = request.transport
    if transport is None:
        return False
    if transport.get_extra_info("pipe") is not None:
        return True
    peer = transport.get_extra_info("socket")
    return peer is not None and _UNIX is not None and peer.family == _UNIX


def local_user(request: web.Request) -> str:
    """The operating system's user behind the control socket. Raises `PERMISSION_DENIED` for anyone but us and root."""
    peer = request.transport.get_extra_info("socket") if request.transport is not None else None
    if peer is None or not sys.platform.startswith("linux"):
        return getpass.getuser()  # the socket's or pipe's own permissions have let nobody else in
    size = struct.calcsize("3i")
    _pid, uid, _gid = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    if uid not in {0, os.getuid()}:
        raise Problem("PERMISSION_DENIED", "The control socket belongs to another user.", values={"role": "admin"})
    return _user_name(uid)


def _user_name(uid: int) -> str:
    import pwd  # noqa: PLC0415 - not on Windows

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid-{uid}"
