"""What IT sets for the browser of one PC: laid where a Chromium looks for it, and seen by no other on this machine."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.workplace import ID

_LAID = "/etc/chromium/policies/managed"


class Policies:
    """A running browser takes up what is changed here, within some seconds as Chromium does."""

    def __init__(self, root: Path) -> None:
        if subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode:
            pytest.skip("no mount namespace can be made here")
        if not Path("/etc/chromium").is_dir():
            pytest.skip("this Chromium doesn't look for policies where Debian's does")
        self._next = root / "next.json"
        self._folder = root / "managed"
        self._folder.mkdir()
        self._program = root / "chromium"
        self._program.write_text(
            f"#!/bin/sh\nexec unshare -m sh -c 'mount -t tmpfs none /etc/chromium && mkdir -p {_LAID} && "
            f'mount --bind "$0" {_LAID} && exec chromium "$@"\' "{self._folder}" "$@"\n'
        )
        self._program.chmod(0o755)

    @property
    def chromium(self) -> str:
        """The program that finds them."""
        return str(self._program)

    def lay(self, file: Path) -> None:
        """Lays a file of the appliance's own making, in place of the one before."""
        shutil.copy(file, self._next)
        self._take_up()

    def set(self, extension: dict[str, Any], **browser: Any) -> None:
        """Sets these values of the extension's, and policies of the browser's own."""
        self._next.write_text(json.dumps({"3rdparty": {"extensions": {ID: extension}}} | browser))
        self._take_up()

    def _take_up(self) -> None:
        self._next.replace(self._folder / "vooster.json")
