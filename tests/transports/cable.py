"""A pulled cable, without a network to pull it from: the socket stays, and nothing that is sent to it arrives."""

from __future__ import annotations

import ctypes
import socket
import struct

_SO_ATTACH_FILTER = 26
_DROP = struct.pack("HBBI", 0x06, 0, 0, 0)
"""A packet filter of one instruction: keep nothing, whatever it is."""


def pull(peer: socket.socket) -> None:
    """From now on the kernel drops what comes in for this socket before TCP sees it: no data, no acknowledgement, no
    end. What it sends still leaves. Linux; needs no rights."""
    program = ctypes.create_string_buffer(_DROP)
    peer.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HL", 1, ctypes.addressof(program)))
