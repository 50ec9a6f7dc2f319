from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from appliance.errors import Problem
from appliance.relay import secrets


def mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def test_keys_are_made_once_for_their_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "secrets.json"
    made = secrets.load(file)
    assert mode(file) == 0o600
    assert secrets.load(file) == made
    keys = [made.documents, made.cookies, made.successors, made.jwt[0].key]
    assert len(set(keys)) == 4
    assert {len(key) for key in keys} == {32}
    assert list(tmp_path.iterdir()) == [file]
    assert secrets.load(tmp_path / "other.json") != made


def test_a_file_that_others_can_read_is_closed(tmp_path: Path) -> None:
    file = tmp_path / "secrets.json"
    made = secrets.load(file)
    file.chmod(0o644)
    assert secrets.load(file) == made
    assert mode(file) == 0o600


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"jwt":[]}', "short", "nokey"])
def test_a_damaged_file_stops_the_start_and_is_left_as_it_is(tmp_path: Path, damage: str) -> None:
    file = tmp_path / "secrets.json"
    secrets.load(file)
    content = json.loads(file.read_text())
    if damage == "short":
        damage = json.dumps({**content, "cookies": "AAAA"})
    elif damage == "nokey":
        damage = json.dumps({**content, "jwt": []})
    file.write_text(damage)
    with pytest.raises(Problem) as refused:
        secrets.load(file)
    assert refused.value.code == "SETTINGS_INVALID"
    assert file.read_text() == damage


def test_a_crash_while_writing_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_handle: int) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="full"):
        secrets.load(tmp_path / "secrets.json")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_read_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "secrets.json").mkdir()
    with pytest.raises(Problem, match="SETTINGS_INVALID") as refused:
        secrets.load(tmp_path / "secrets.json")
    assert "can't be read" in refused.value.actions()["en"]


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root may write for somebody else")
def test_a_command_of_root_leaves_the_file_to_its_owner(tmp_path: Path) -> None:
    os.chown(tmp_path, 65534, 65534)
    file = tmp_path / "secrets.json"
    secrets.save(file, secrets.load(file))
    assert (file.stat().st_uid, file.stat().st_mode & 0o777) == (65534, 0o600)
