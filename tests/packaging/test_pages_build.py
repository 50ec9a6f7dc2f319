"""When the built pages and the extension are made anew."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "packaging"))

import hatch_build  # type: ignore[import-not-found]  # noqa: E402 - the build hook is no module of the package

SOURCES = (
    "web/office.html",
    "web/src/main.ts",
    "web/extension/worker/main.ts",
    "appliance/errors/catalogue.json",
    "appliance/__init__.py",
)
MADE = ("appliance/static/office.html", "appliance/static/extension/manifest.json")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A working copy whose pages have been built."""
    for at, name in enumerate((*SOURCES, *MADE)):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("")
        os.utime(file, (at, at))
    return tmp_path


def test_what_is_built_is_left_alone(tree: Path) -> None:
    assert not hatch_build.is_stale(tree)


@pytest.mark.parametrize("name", SOURCES)
def test_whatever_they_are_made_from_makes_them_anew(tree: Path, name: str) -> None:
    os.utime(tree / name, (99, 99))
    assert hatch_build.is_stale(tree)


@pytest.mark.parametrize("name", MADE)
def test_what_is_missing_is_made(tree: Path, name: str) -> None:
    (tree / name).unlink()
    assert hatch_build.is_stale(tree)
