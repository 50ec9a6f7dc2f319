"""A forked start of the program is what a person's start of it is."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
from pathlib import Path

import pytest

from tests.support.forked import starter
from tests.support.process import Served, environment, vooster, vooster_afresh


def test_it_says_and_ends_as_one_from_a_new_interpreter(tmp_path: Path) -> None:
    data = ("--data-dir", str(tmp_path))
    assert vooster("screens", "add", "S-2", *data).returncode == 0
    for arguments, status in (
        (("paths", "--json", *data), 0),
        (("trigger", "ORD-1", "--screen", "S-1", *data), 1),
        (("screens", "nonsense"), 2),
    ):
        forked, afresh = vooster(*arguments, LC_ALL="ko_KR.UTF-8"), vooster_afresh(*arguments, LC_ALL="ko_KR.UTF-8")
        assert (forked.returncode, afresh.returncode) == (status, status), forked.stderr + afresh.stderr
        # Usage names the program as it was called.
        called = re.sub("(Usage: |Try ')vooster ", r"\1python -m appliance.cli.main ", forked.stderr)
        assert called == afresh.stderr
        assert forked.stdout == afresh.stdout


def test_it_reads_its_input_and_environment_and_stands_where_it_was_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = vooster(
        "setup", "--username", "kim", "--password-stdin", "--data-dir", "data", stdin="correct horse battery\n"
    )
    assert made.returncode == 0, made.stderr
    assert (tmp_path / "data" / "vooster.db").is_file()
    checked = vooster("serve", "--check", "--data-dir", "data", VOOSTER_SERVER_PORT="many")
    assert (checked.returncode, "VOOSTER_SERVER_PORT" in checked.stderr) == (1, True)


async def test_it_is_a_process_of_its_own_that_signals_end(tmp_path: Path) -> None:
    served = Served(tmp_path)
    await served.start()
    assert served.pid != os.getpid()
    assert await served.stop() == 0
    await served.start()
    await served.kill()
    with pytest.raises(ProcessLookupError):
        os.kill(served.pid, 0)
    another = starter().start(*served.arguments, env=environment())
    with pytest.raises(subprocess.TimeoutExpired):
        another.wait(0.1)
    assert another.poll() is None
    os.kill(another.pid, signal.SIGKILL)
    assert another.wait(10) == -signal.SIGKILL


def test_one_that_nobody_holds_any_more_is_ended(tmp_path: Path) -> None:
    forgotten = starter().start(*Served(tmp_path).arguments, env=environment())
    watched = os.pidfd_open(forgotten.pid)
    try:
        del forgotten
        assert select.select([watched], [], [], 10)[0]
    finally:
        os.close(watched)
