"""Processes of the program that are forked from one that has it imported (`starter`), with the manners of a `Popen`."""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO, Any, Protocol

ROOT = Path(__file__).parents[2]
_RUN = "import sys; from tests.support.starter import serve; serve(int(sys.argv[1]))()"


class Running(Protocol):
    """A process, forked or not."""

    @property
    def pid(self) -> int: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, sig: int, /) -> None: ...
    def kill(self) -> None: ...


class Forked:
    """One process. Its end is its garbage collection at the latest."""

    def __init__(self, line: socket.socket, arguments: tuple[str, ...]) -> None:
        self._line = line
        self._heard = line.makefile("rb")
        self._arguments = arguments
        self._lock = threading.Lock()
        self._status: int | None = None
        told = self._heard.readline()
        assert told, "the process that forks is gone"
        self.pid = int(told)

    def poll(self) -> int | None:
        """Its exit code, negative for the signal that ended it; None while it runs."""
        with self._lock:
            if self._status is None and select.select([self._line], [], [], 0)[0]:
                self._status = int(self._heard.readline())
                self._heard.close()
                self._line.close()
            return self._status

    def wait(self, timeout: float | None = None) -> int:
        """The exit code once it has ended; raises TimeoutExpired."""
        end = None if timeout is None else time.monotonic() + timeout
        while (status := self.poll()) is None:
            left = None if end is None else end - time.monotonic()
            if left is not None and left <= 0:
                assert timeout is not None
                raise subprocess.TimeoutExpired(self._arguments, timeout)
            with contextlib.suppress(ValueError):  # closed: another thread has just seen its end
                select.select([self._line], [], [], left)
        return status

    def send_signal(self, sig: int, /) -> None:
        with contextlib.suppress(OSError):  # it has ended
            self._line.sendall(bytes([sig]))

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class Starter:
    """The process that forks. Any number of threads may ask it at once."""

    def __init__(self, **env: str) -> None:
        self._orders, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _RUN, str(theirs.fileno())],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # a Ctrl+C is for the tests, which then end this
                env={**os.environ, **env},
            )

    def start(
        self,
        *arguments: str,
        stdin: IO[Any] | None = None,
        stdout: IO[Any] | None = None,
        stderr: IO[Any] | None = None,
        env: dict[str, str],
        before: str = "",
        given: dict[str, Any] | None = None,
    ) -> Forked:
        """Starts `vooster` with these arguments; no file is /dev/null. `before` ("module:function") is called in the
        new process with what is `given`, before the program itself begins."""
        order = {
            "arguments": arguments,
            "environment": env,
            "directory": str(Path.cwd()),
            "before": before,
            "given": given or {},
        }
        ours, theirs = socket.socketpair()
        with theirs, open(os.devnull, "r+b") as nothing:  # noqa: PTH123
            ours.sendall(json.dumps(order).encode() + b"\n")
            files = [(file or nothing).fileno() for file in (stdin, stdout, stderr)]
            socket.send_fds(self._orders, [b"!"], [*files, theirs.fileno()])
        return Forked(ours, arguments)

    def close(self) -> None:
        """Ends it, and every process of its that is left."""
        self._orders.close()
        self._process.wait(10)


@functools.cache
def starter(**env: str) -> Starter:
    """The one of this test process."""
    made = Starter(**env)
    atexit.register(made.close)
    return made
