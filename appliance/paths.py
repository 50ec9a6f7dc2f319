"""Where things are: the data directory with its files, and the data that ships inside the package."""

from __future__ import annotations

import hashlib
import os
import sys
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

import platformdirs

_SERVICE_DATA = {
    "linux": Path("/var/lib/vooster"),
    "win32": Path(r"C:\ProgramData\Vooster"),
}

_SOCKET_PATH_BYTES = 100


@dataclass(frozen=True, slots=True)
class DataDir:
    """One appliance's directory. `root` holds the database, keys, lock and control socket; all else is derived."""

    root: Path

    @property
    def database(self) -> Path:
        return self.root / "vooster.db"

    @property
    def secrets(self) -> Path:
        return self.root / "secrets.json"

    @property
    def lock(self) -> Path:
        return self.root / "vooster.lock"

    @property
    def control_socket(self) -> Path:
        """Where the commands reach the running appliance; beside the data unless that path is too long for a socket."""
        socket = self.root / "control.sock"
        if len(os.fsencode(socket)) <= _SOCKET_PATH_BYTES:
            return socket
        name = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:16]
        return Path(platformdirs.user_runtime_dir("vooster", appauthor=False)) / f"{name}.sock"

    @property
    def config(self) -> Path:
        return self.root / "vooster.toml"

    @property
    def documents(self) -> Path:
        """Where work orders are looked for unless `orders.folder` names another place."""
        return self.root / "documents"

    def make(self) -> None:
        """Makes the directory, readable by its owner alone."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)


def choose(explicit: Path | None) -> tuple[DataDir, str]:
    """The data directory and why it is this one: given, the installed service's, or this user's own."""
    if explicit is not None:
        return DataDir(explicit.expanduser().absolute()), "--data-dir"
    service = _SERVICE_DATA.get(sys.platform)
    if service is not None and (service / "vooster.db").is_file():
        return DataDir(service), "the installed service"
    return DataDir(Path(platformdirs.user_data_dir("vooster", appauthor=False))), "this user"


def package_data(name: str) -> Traversable:
    """A file or folder that ships inside the package (`static`, `samples`), in a wheel and in the binary alike."""
    return resources.files("appliance").joinpath(name)
