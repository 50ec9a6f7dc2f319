"""Where the appliance keeps its things."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from appliance import paths
from appliance.paths import DataDir, choose


def test_everything_lies_in_the_data_directory(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    places = (data.database, data.secrets, data.lock, data.control_socket, data.config, data.documents)
    assert all(place.parent == tmp_path for place in places)
    assert len(set(places)) == len(places)


def test_a_path_too_long_for_a_socket_has_it_elsewhere_one_for_each(tmp_path: Path) -> None:
    long = [DataDir(tmp_path / ("x" * 120) / name) for name in ("a", "b")]
    sockets = {data.control_socket for data in long}
    assert len(sockets) == 2
    assert all(len(os.fsencode(socket)) <= 107 for socket in sockets)


def test_the_directory_is_its_owners_alone(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "one" / "two")
    data.make()
    data.make()
    assert stat.S_IMODE(data.root.stat().st_mode) == 0o700


def test_a_given_directory_wins_and_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    data, why = choose(Path("here"))
    assert (data.root, why) == (tmp_path / "here", "--data-dir")


def test_the_services_own_directory_is_used_where_it_has_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "_SERVICE_DATA", {"linux": tmp_path / "service", "win32": tmp_path / "service"})
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    data, why = choose(None)
    assert (data.root, why) == (tmp_path / "home" / "vooster", "this user")
    (tmp_path / "service").mkdir()
    (tmp_path / "service" / "vooster.db").touch()
    data, why = choose(None)
    assert (data.root, why) == (tmp_path / "service", "the installed service")
