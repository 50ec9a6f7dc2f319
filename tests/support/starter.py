"""Starts the program without the second that importing takes: a process that has it imported already and forks once a
start. A child is a process of its own, with its own memory, threads, sockets, signals and exit code.

The tests' side is `Starter` in `forked`. An order is one byte that brings four descriptors along: the child's standard
input, output and errors, and a line of its own. On that line come one line of JSON (what to run), and then signal
numbers, one byte each; on it go the child's pid and, at its end, its exit code. Whoever drops the line wants it killed.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import appliance
from appliance.cli.main import main

WARM_UP = ((), ("version",), ("nonsense",))
"""Commands that load what is loaded only when it is needed."""
STANDARD = (("stdin", "r", "surrogateescape"), ("stdout", "w", "strict"), ("stderr", "w", "backslashreplace"))


def preload() -> None:
    """Imports all of the program, and takes it out of the garbage collector's sight, so that children share it."""
    for module in pkgutil.walk_packages(appliance.__path__, "appliance."):
        importlib.import_module(module.name)
    with contextlib.suppress(ImportError):
        importlib.import_module("uvloop")
    with (
        open(os.devnull, "w", encoding="utf-8") as nothing,  # noqa: PTH123
        contextlib.redirect_stdout(nothing),
        contextlib.redirect_stderr(nothing),
    ):
        for arguments in WARM_UP:
            sys.argv = ["vooster", *arguments]
            with contextlib.suppress(SystemExit):
                main()
    gc.collect()
    gc.freeze()


class Children:
    """Those that run, each with its line; None where nobody holds the other end any more."""

    def __init__(self) -> None:
        self.lines: dict[int, socket.socket | None] = {}

    def reap(self) -> None:
        for pid, line in list(self.lines.items()):
            gone, status = os.waitpid(pid, os.WNOHANG)
            if not gone:
                continue
            del self.lines[pid]
            if line is not None:
                with contextlib.suppress(OSError):
                    line.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))
                line.close()

    def hear(self, ready: list[Any]) -> None:
        """Passes signals on."""
        for pid, line in list(self.lines.items()):
            if line is None or line not in ready:
                continue
            try:
                numbers = line.recv(16)
            except OSError:
                numbers = b""
            for number in numbers or bytes([signal.SIGKILL]):
                os.kill(pid, number)
            if not numbers:
                line.close()
                self.lines[pid] = None

    def end(self) -> None:
        for pid in self.lines:
            os.kill(pid, signal.SIGKILL)


def serve(descriptor: int) -> Callable[[], None]:
    """Forks until the tests are over. Returns in children only: what such a child is to run."""
    sys.path[0] = str(Path(__file__).parents[2])
    preload()
    children = Children()
    orders = socket.socket(fileno=descriptor)
    woken, waker = socket.socketpair()
    for end in (woken, waker):
        end.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    signal.set_wakeup_fd(waker.fileno())
    while True:
        lines = [line for line in children.lines.values() if line is not None]
        ready, _, _ = select.select([orders, woken, *lines], [], [])
        if woken in ready:
            woken.recv(4096)
            children.reap()
        children.hear(ready)
        if orders not in ready:
            continue
        byte, descriptors, _, _ = socket.recv_fds(orders, 1, 4)
        if not byte:
            children.end()
            sys.exit()
        line = socket.socket(fileno=descriptors[3])
        order = json.loads(line.makefile("rb").readline())
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for each in (orders, woken, waker, line, *lines):
                each.close()
            _become(order, descriptors[:3])
            return _run
        for each_descriptor in descriptors[:3]:
            os.close(each_descriptor)
        line.sendall(b"%d\n" % pid)
        children.lines[pid] = line


def _run() -> None:
    """The program. At its end it waits for its threads and does what it has registered, as ever; only the interpreter
    isn't taken to pieces, which costs more than many a verb."""
    try:
        main()
    except SystemExit as end:
        if not isinstance(end.code, int | None):
            raise
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(end.code or 0)


def _become(order: dict[str, Any], standard: list[int]) -> None:
    """Makes this child what the order says, as if it had been started so."""
    for number, descriptor in enumerate(standard):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(order["directory"])
    os.environ.clear()
    os.environ.update(order["environment"])
    time.tzset()
    sys.argv = ["vooster", *order["arguments"]]
    for number, (name, mode, errors) in enumerate(STANDARD):
        buffering = 1 if name == "stderr" else -1
        stream = open(number, mode, buffering, "utf-8", errors, closefd=False)  # noqa: SIM115 - lives as long as we do
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    if order["before"]:
        module, _, name = order["before"].partition(":")
        getattr(importlib.import_module(module), name)(**order["given"])
