"""Where the appliance keeps its things."""

from __future__ import annotations

import stat
from pathlib import Path

from appliance import paths
from appliance.paths import DataDir


def test_a_directory_that_is_named_wins_and_says_so(tmp_path: Path) -> None:
    data, why = paths.choose(tmp_path / "공장 1")
    assert (data.root, why) == (tmp_path / "공장 1", "--data-dir")


def test_everything_lies_in_the_directory_and_is_its_owner_s_alone(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "new" / "data")
    data.make()
    assert stat.S_IMODE(data.root.stat().st_mode) == 0o700
    for path in (data.database, data.secrets, data.lock, data.config, data.documents, data.control_socket):
        assert path.is_relative_to(data.root)


def test_the_control_socket_of_a_long_path_still_fits_a_socket(tmp_path: Path) -> None:
    deep, deeper = DataDir(tmp_path / ("가" * 40)), DataDir(tmp_path / ("가" * 41))
    assert len(bytes(deep.control_socket)) <= 107
    assert deep.control_socket != deeper.control_socket


def test_the_package_brings_its_data_along() -> None:
    assert paths.package_data("errors").joinpath("catalogue.json").is_file()
