"""`vooster serve`: the appliance in the foreground."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import sys
from collections.abc import Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import structlog
import typer

from appliance.adapters.certificates import files as certificate_files
from appliance.adapters.descriptors import raise_limit
from appliance.adapters.notify import Notifier
from appliance.cli.common import DataOption, configuration, directory, fail, say
from appliance.errors import Problem
from appliance.paths import DataDir
from appliance.settings import Settings

if TYPE_CHECKING:
    from appliance.relay.sessions import Session, Sessions

YOUNG_OBJECTS = 5_000
"""New objects before the collector looks at them; Python's own 700 is for smaller programs."""
SWITCH_SECONDS = 0.001
"""How long the event loop may keep the interpreter from the thread that commits. Each commit takes it several times,
and with Python's own 5 ms a scan on a busy floor waits longer for those turns than for the disk."""

SETTLE_EVERY = 1_000
"""Sessions opened, at least, before what they hold is taken out of the collector's sight too."""

_log = structlog.get_logger(__name__)


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.", show_default=False)] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="TCP port (8480).", show_default=False)] = None,
    documents: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder with the work orders.", show_default=False)
    ] = None,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Settings file (TOML).", show_default=False)
    ] = None,
    no_mdns: Annotated[bool, typer.Option("--no-mdns", help="Don't announce the appliance on the network.")] = False,
    log: Annotated[str | None, typer.Option(help="json or console.", show_default=False)] = None,
    check: Annotated[bool, typer.Option("--check", help="Only check the settings.")] = False,
    start_empty: Annotated[
        bool, typer.Option("--start-empty", help="Begin with an empty data file; a damaged one stays aside.")
    ] = False,
    data_dir: DataOption = None,
) -> None:
    """Run the appliance in the foreground."""
    flags: dict[str, dict[str, Any]] = {}
    for section, key, value in (
        ("server", "host", host),
        ("server", "port", port),
        ("orders", "folder", str(documents.absolute()) if documents else None),
        ("discovery", "enabled", False if no_mdns else None),
        ("log", "format", log),
    ):
        if value is not None:
            flags.setdefault(section, {})[key] = value
    data = directory(data_dir)
    try:
        settings = configuration(data, config, flags)
        if check and settings.tls.mode == "files":
            certificate_files.check(settings.tls, datetime.now(UTC))
    except Problem as problem:
        raise fail(problem) from None
    if check:
        say("settings: ok")
        return
    run_appliance(settings, data, start_empty=start_empty)


def run_appliance(settings: Settings, data: DataDir, *, start_empty: bool = False) -> None:
    """Serves until it is told to stop. A `Problem` at the start is said to the person; exit code 1."""
    try:
        run_loop(_serve(settings, data, start_empty=start_empty))
    except Problem as problem:
        raise fail(problem) from None


def run_loop(work: Coroutine[Any, Any, None]) -> None:
    """Runs `work` on the fastest event loop there is here."""
    if sys.platform == "win32":
        asyncio.run(work)
        return
    import uvloop  # noqa: PLC0415 - not on Windows

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work)


def stop_asked() -> asyncio.Event:
    """Set when somebody presses Ctrl+C or the system asks the program to end."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stop.set)
    return stop


def settle_down() -> None:
    """Takes what was made while starting out of the garbage collector's sight: it lives as long as the process, and
    looking through it again and again holds every scan up. What comes later is looked through less often. And the
    threads of the storage get their turn sooner."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 20)
    sys.setswitchinterval(SWITCH_SECONDS)


def settle_with(sessions: Sessions) -> None:
    """Does the same with what sessions hold, each time half as many have come as there are: with ten thousand of them
    the collector's look at everything would hold up every scan, and in vain, for a session leaves no cycle behind."""
    opened = 0

    def count(_session: Session) -> None:
        nonlocal opened
        opened += 1
        if opened >= max(SETTLE_EVERY, len(sessions) // 2):
            opened = 0
            gc.unfreeze()
            gc.collect()
            gc.freeze()

    sessions.on_opened.append(count)


async def _serve(settings: Settings, data: DataDir, *, start_empty: bool) -> None:
    # Only here, as the other verbs do without.
    from appliance.app import Appliance  # noqa: PLC0415
    from appliance.cli.banner import banner  # noqa: PLC0415

    appliance = Appliance(settings, data, start_empty=start_empty)
    notifier = Notifier()
    stop = stop_asked()
    raise_limit()
    await appliance.start()
    settle_down()
    settle_with(appliance.engine.sessions)
    try:
        await banner(appliance)
        notifier.ready(f"Serving {appliance.base_url()}")
        _log.info("serving", address=appliance.base_url(), data=str(data.root))
        await stop.wait()
        notifier.stopping()
        _log.info("stopping")
    finally:
        await appliance.stop()
        await notifier.close()
    _log.info("stopped")
