from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.adapters.notify import Notifier

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="systemd's socket does not exist on Windows")


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    """The service manager's end, and what it would put into NOTIFY_SOCKET."""
    name = str(tmp_path / "notify") if request.param == "path" else f"@vooster-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind(name.replace("@", "\0", 1))
        end.settimeout(5)
        yield end, name


def heard(end: socket.socket) -> str:
    return end.recv(4096).decode()


async def test_ready_status_and_stopping_are_told(manager: tuple[socket.socket, str]) -> None:
    end, name = manager
    notifier = Notifier({"NOTIFY_SOCKET": name})
    notifier.ready("listening on 10.0.0.1:8480\nREADY=0")
    assert heard(end) == "READY=1\nSTATUS=listening on 10.0.0.1:8480 READY=0"
    notifier.status("3 screens online")
    assert heard(end) == "STATUS=3 screens online"
    notifier.stopping()
    assert heard(end) == "STOPPING=1"
    await notifier.close()


async def test_the_watchdog_is_fed_at_half_its_time_and_ends_with_close(manager: tuple[socket.socket, str]) -> None:
    end, name = manager
    notifier = Notifier({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "400000", "WATCHDOG_PID": str(os.getpid())})
    notifier.ready("up")
    assert await asyncio.to_thread(heard, end) == "READY=1\nSTATUS=up"
    assert await asyncio.to_thread(heard, end) == "WATCHDOG=1"
    began = time.monotonic()
    for _ in range(3):
        assert await asyncio.to_thread(heard, end) == "WATCHDOG=1"
    assert 0.5 < time.monotonic() - began < 1.1
    await notifier.close()
    end.settimeout(0.5)
    with pytest.raises(TimeoutError):
        await asyncio.to_thread(heard, end)


async def test_a_stuck_event_loop_feeds_no_watchdog(manager: tuple[socket.socket, str]) -> None:
    end, name = manager
    notifier = Notifier({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "200000"})
    notifier.ready("up")
    await asyncio.to_thread(heard, end)
    await asyncio.to_thread(heard, end)
    end.settimeout(0.5)
    with pytest.raises(TimeoutError):
        heard(end)  # blocks the loop itself
    await notifier.close()


async def test_another_processes_watchdog_is_left_alone(manager: tuple[socket.socket, str]) -> None:
    end, name = manager
    notifier = Notifier({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "100000", "WATCHDOG_PID": "1999999999"})
    notifier.ready("up")
    await asyncio.to_thread(heard, end)
    end.settimeout(0.3)
    with pytest.raises(TimeoutError):
        await asyncio.to_thread(heard, end)
    await notifier.close()


def test_the_launchers_watchdog_is_fed_by_its_child(manager: tuple[socket.socket, str]) -> None:
    """The single binary: systemd knows the launcher, the server is its child."""
    end, name = manager
    script = (
        "import asyncio\n"
        "from appliance.adapters.notify import Notifier\n"
        "async def main():\n"
        "    notifier = Notifier()\n"
        "    notifier.ready('up')\n"
        "    await asyncio.sleep(0.2)\n"
        "    await notifier.close()\n"
        "asyncio.run(main())\n"
    )
    environ = {**os.environ, "NOTIFY_SOCKET": name, "WATCHDOG_USEC": "100000", "WATCHDOG_PID": str(os.getpid())}
    subprocess.run([sys.executable, "-c", script], env=environ, check=True, timeout=30)
    assert heard(end).startswith("READY=1")
    assert heard(end) == "WATCHDOG=1"


async def test_outside_of_systemd_nothing_happens() -> None:
    notifier = Notifier({})
    notifier.ready("up")
    notifier.stopping()
    await notifier.close()


async def test_a_manager_that_went_away_harms_nothing(tmp_path: Path) -> None:
    notifier = Notifier({"NOTIFY_SOCKET": str(tmp_path / "gone"), "WATCHDOG_USEC": "100000"})
    notifier.ready("up")
    await asyncio.sleep(0.2)
    await notifier.close()


def test_children_do_not_inherit_the_line() -> None:
    environ = {"NOTIFY_SOCKET": "/run/notify", "WATCHDOG_USEC": "1", "WATCHDOG_PID": "1", "HOME": "/"}
    Notifier(environ)
    assert environ == {"HOME": "/"}
