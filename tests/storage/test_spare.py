"""Room for the next start: set aside where there is plenty, lent while it lasts, taken back as far as it is there."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.errors import Problem
from appliance.storage import spare
from tests.support.disk import small_disk

MEGABYTE = 1 << 20


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    """On a disk of 4 MB of its own, one of which is set aside."""
    with small_disk(tmp_path / "disk", 4) as mounted:
        if not mounted:
            pytest.skip("mounting isn't allowed here")
        path = tmp_path / "disk" / "vooster.spare"
        path.write_bytes(bytes(MEGABYTE))
        yield path


def free(path: Path) -> int:
    return shutil.disk_usage(path.parent).free


def fill(path: Path, leaving: int = 0) -> None:
    with path.with_name("filler").open("ab") as filler:
        filler.write(bytes(free(path) - leaving))


def test_where_there_is_plenty_it_is_set_aside_once(tmp_path: Path) -> None:
    path = tmp_path / "vooster.spare"
    if free(path) < 6 * spare.BYTES:
        pytest.skip("this disk has no plenty")
    spare.keep(path)
    found = path.stat()
    assert found.st_size == spare.BYTES
    assert found.st_blocks * 512 >= spare.BYTES  # not only said to be that long
    spare.keep(path)
    assert path.stat().st_mtime_ns == found.st_mtime_ns
    with spare.lent(path) as short:
        assert not short and path.stat().st_size == spare.BYTES


def test_where_there_is_not_plenty_nothing_is_set_aside(path: Path) -> None:
    path.unlink()
    spare.keep(path)
    assert not path.exists()


def test_a_start_has_it_and_gives_it_back(path: Path) -> None:
    fill(path)
    with spare.lent(path) as short:
        assert short and free(path) == MEGABYTE
    assert (path.stat().st_size, free(path)) == (MEGABYTE, 0)


def test_what_the_start_has_used_is_missing_after_it(path: Path) -> None:
    fill(path)
    with spare.lent(path):
        path.with_name("log").write_bytes(bytes(MEGABYTE // 4))
    assert path.stat().st_size >= MEGABYTE // 2
    with spare.lent(path):
        assert free(path) >= MEGABYTE // 2


def test_a_start_that_is_refused_gives_it_back_too_and_says_why(path: Path) -> None:
    fill(path)
    with pytest.raises(Problem) as refused, spare.lent(path):
        fill(path)  # somebody else was faster
        raise Problem("STORAGE_UNAVAILABLE", "disk I/O error")
    assert (refused.value.code, refused.value.detail) == ("DISK_FULL", "disk I/O error")
    assert str(path.parent) in refused.value.actions()["en"]
    path.with_name("filler").unlink()
    fill(path, leaving=2 * MEGABYTE)
    with pytest.raises(Problem, match="STORAGE_UNAVAILABLE"), spare.lent(path):
        raise Problem("STORAGE_UNAVAILABLE", "Something else.")


def test_a_disk_that_says_nothing_has_room(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="STORAGE_UNAVAILABLE"), spare.lent(tmp_path / "gone" / "vooster.spare") as short:
        assert not short
        raise Problem("STORAGE_UNAVAILABLE")
