"""Starts the appliance over and over: a process that has it imported already and forks one child a start.

It reads one order a line from stdin and answers each with a line. A child is a whole appliance with its own memory,
threads and sockets, only without the second that importing takes. Before it runs, a child may be given a fault
(`seeds`), and the tail that no sync has covered is watched, so that a kill can be made as bad as a power cut.
"""

from __future__ import annotations

import functools
import json
import os
import random
import signal
import sqlite3
import sys
from pathlib import Path
from typing import Any

from appliance.adapters.orders_folder import FolderOrders
from appliance.cli.main import main
from appliance.storage import database
from tests.faults import seeds

SETTLE_SECONDS = 0.01
FULL = 2
"""`PRAGMA synchronous`, from which on SQLite syncs the log at every commit."""


def watch_syncs(note: Path, wal: Path) -> None:
    """Writes down in `note` how much of the write-ahead log the writer's last synced commit covers, before anybody can
    hear of that commit."""
    original = seeds.seam(database, "_connect")
    file = os.open(note, os.O_WRONLY | os.O_CREAT, 0o600)

    def covered() -> None:
        os.pwrite(file, b"%020d" % (wal.stat().st_size if wal.exists() else 0), 0)

    class Watched(sqlite3.Connection):
        def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
            done = super().execute(sql, *values)
            if sql == "COMMIT" and super().execute("PRAGMA synchronous").fetchone()[0] >= FULL:
                covered()
            return done

    def connect(path: Path) -> Any:
        plain = sqlite3.connect
        seeds.sew(sqlite3, "connect", functools.partial(plain, factory=Watched))
        try:
            connection = original(path)
        finally:
            seeds.sew(sqlite3, "connect", plain)
        assert isinstance(connection, Watched), "the writer's connection isn't made by sqlite3.connect any more"
        covered()  # whatever the start has left of an earlier log was synced in its time
        return connection

    seeds.sew(database, "_connect", connect)


def hasten(settle: float) -> None:
    """An order's file counts as whole after this many seconds: no setting says so, and every life would wait anew."""
    defaults = seeds.seam(FolderOrders.__init__, "__kwdefaults__")
    assert "settle" in defaults, "the folder of orders has no `settle` any more"
    defaults["settle"] = settle


def _run(order: dict[str, Any]) -> None:
    """The child: becomes the appliance and never returns."""
    status = 70
    try:
        log = os.open(order["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor, number in ((nothing, 0), (nothing, 1), (log, 2)):
            os.dup2(descriptor, number)
        os.environ.clear()
        os.environ.update(order["environment"])
        random.seed()
        data = Path(order["data"])
        hasten(SETTLE_SECONDS)
        watch_syncs(Path(order["note"]), data / "vooster.db-wal")
        if order["fault"]:
            seeds.install(order["fault"], Path(order["bites"]))
        sys.argv = ["vooster", *order["arguments"]]
        main()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        os._exit(status)


class Children:
    """The appliances that run; none outlives the process that started it."""

    def __init__(self) -> None:
        self._running: set[int] = set()

    def obey(self, order: dict[str, Any]) -> dict[str, Any]:
        pid: int = order.get("pid", 0)
        match order["do"]:
            case "start":
                pid = os.fork()
                if pid == 0:
                    _run(order)
                self._running.add(pid)
                return {"pid": pid}
            case "look":
                return {"status": self._status(pid, os.WNOHANG)}
            case signal_name:
                os.kill(pid, signal.SIGKILL if signal_name == "kill" else signal.SIGTERM)
                return {"status": self._status(pid, 0)}

    def end(self) -> None:
        for pid in self._running:
            os.kill(pid, signal.SIGKILL)

    def _status(self, pid: int, how: int) -> int | None:
        gone, status = os.waitpid(pid, how)
        if not gone:
            return None
        self._running.discard(pid)
        return os.waitstatus_to_exitcode(status)


def serve() -> None:
    children = Children()
    try:
        for line in sys.stdin:
            print(json.dumps(children.obey(json.loads(line))), flush=True)
    finally:
        children.end()


if __name__ == "__main__":
    serve()
