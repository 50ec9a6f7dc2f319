"""Tells systemd what the appliance is doing: ready, stopping, a line of status, and that its event loop still turns.

Written here because it is one datagram: the `sdnotify` package sends that datagram and leaves the watchdog to its user.
Outside a `Type=notify` unit every call does nothing.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import MutableMapping

import structlog

_log = structlog.get_logger(__name__)


class Notifier:
    """The line to the service manager. Takes its variables out of `environ`, so that no child process speaks for us."""

    def __init__(self, environ: MutableMapping[str, str] = os.environ) -> None:
        self._address = _socket_address(environ.pop("NOTIFY_SOCKET", ""))
        self._interval = _watchdog_interval(environ.pop("WATCHDOG_USEC", ""), environ.pop("WATCHDOG_PID", ""))
        self._watchdog: asyncio.Task[None] | None = None

    def ready(self, status: str) -> None:
        """The appliance answers from now on; `status` is a line for `systemctl status`. Starts the watchdog."""
        self._send(f"READY=1\nSTATUS={_one_line(status)}")
        if self._address and self._interval and self._watchdog is None:
            self._watchdog = asyncio.create_task(self._feed(self._interval), name="systemd-watchdog")

    def status(self, text: str) -> None:
        """A line for `systemctl status`."""
        self._send(f"STATUS={_one_line(text)}")

    def stopping(self) -> None:
        """The stop has begun. The watchdog is fed until `close`, for the stop may hang too."""
        self._send("STOPPING=1")

    async def close(self) -> None:
        """Ends the watchdog; the last thing before the process goes."""
        if self._watchdog is not None:
            self._watchdog.cancel()
            await asyncio.gather(self._watchdog, return_exceptions=True)
            self._watchdog = None

    async def _feed(self, interval: float) -> None:
        while True:
            self._send("WATCHDOG=1")
            await asyncio.sleep(interval)

    def _send(self, state: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
                line.settimeout(1)  # a busy manager's queue may be full for a moment
                line.connect(self._address)
                line.send(state.encode())
        except OSError as error:
            _log.warning("the service manager could not be told", state=state.partition("\n")[0], reason=str(error))


def _socket_address(value: str) -> str:
    """A path, or an abstract socket's name, which systemd writes with an `@` in place of the leading zero byte."""
    if value.startswith("@"):
        return "\0" + value[1:]
    return value if value.startswith("/") else ""


def _watchdog_interval(microseconds: str, pid: str) -> float | None:
    """Seconds between two feeds, half of what the unit allows; None where no watchdog waits for this process.

    The single binary's launcher is the process systemd started, so the parent's id counts as ours.
    """
    if pid.isdecimal() and int(pid) not in (os.getpid(), os.getppid()):
        return None
    return int(microseconds) / 2_000_000 if microseconds.isdecimal() and int(microseconds) > 0 else None


def _one_line(text: str) -> str:
    return " ".join(text.split())
