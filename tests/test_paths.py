"""Where the appliance keeps its things."""

from __future__ import annotations

import os
import re
import stat
import tempfile
from pathlib import Path

import pytest

from appliance import paths
from appliance.errors import Problem
from appliance.paths import DataDir, choose, private


def test_everything_lies_in_the_data_directory(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    sockets = (data.control_socket, data.command_socket)
    places = (data.database, data.secrets, data.lock, *sockets, data.config, data.documents)
    assert all(place.parent == tmp_path for place in places)
    assert len(set(places)) == len(places)


@pytest.mark.parametrize("runtime", ["", "here", "x" * 90])
def test_a_path_too_long_for_a_socket_has_it_elsewhere_one_for_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder, runtime: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
    Path(runtime).mkdir(exist_ok=True)
    long = [DataDir(tmp_path / ("x" * 120) / name) for name in ("a", "b")]
    sockets = {socket for data in long for socket in (data.control_socket, data.command_socket)}
    assert len(sockets) == 4
    assert all(len(os.fsencode(socket)) <= 107 for socket in sockets)
    assert not recwarn.list


def test_a_long_place_for_temporary_files_keeps_no_socket_from_fitting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / ("t" * 90)
    temporary.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", "x" * 90)
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    assert len(os.fsencode(DataDir(temporary / "vooster").control_socket)) <= 107


def test_a_place_for_sockets_is_this_users_alone(tmp_path: Path) -> None:
    assert stat.S_IMODE(private(tmp_path / "new").stat().st_mode) == 0o700
    assert private(tmp_path / "new") == tmp_path / "new"
    open_to_all = tmp_path / "open"
    open_to_all.mkdir()
    open_to_all.chmod(0o770)
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "new", target_is_directory=True)
    file = tmp_path / "file"
    file.touch()
    for place in (open_to_all, link, file, file / "below"):
        with pytest.raises(Problem) as problem:
            private(place)
        assert problem.value.code == "SETTINGS_INVALID"
        assert str(place) in problem.value.messages()["en"]


@pytest.mark.skipif(os.name == "nt" or os.getuid() != 0, reason="only root can give a directory away")
def test_a_place_for_sockets_that_is_somebody_elses(tmp_path: Path) -> None:
    private(tmp_path / "theirs")
    os.chown(tmp_path / "theirs", 65534, 65534)
    with pytest.raises(Problem, match="this user's alone"):
        private(tmp_path / "theirs")


@pytest.mark.parametrize("place", ["/proc/nothing", "file", "file/below"])
def test_a_directory_that_can_not_be_is_named(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Problem) as problem:
        DataDir(tmp_path / place).make()
    assert problem.value.code == "SETTINGS_INVALID"
    assert str(tmp_path / place) in problem.value.messages()["ko"]
    assert re.search("[가-힣]", problem.value.actions()["ko"]) and "Errno" not in problem.value.actions()["ko"]
    if place == "file":
        assert problem.value.actions()["ko"] == "폴더를 만들 수 없습니다: 그 이름의 파일이 있습니다."


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
