"""Where things are: the data directory with its files, and the data that ships inside the package."""

from __future__ import annotations

import hashlib
import os
import stat
import sys
import tempfile
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

import platformdirs

from appliance.errors import Problem, Texts
from appliance.errors.system import told

_SERVICE_DATA = {
    "linux": Path("/var/lib/vooster"),
    "win32": Path(r"C:\ProgramData\Vooster"),
}

_UNITS = [Path(folder) / "vooster.service" for folder in ("/etc/systemd/system", "/usr/lib/systemd/system")]

_SOCKET_PATH_BYTES = 100
_RUNTIME_PATH_BYTES = 60
"""So long a directory for sockets may be that theirs fit in it."""

_NOT_OURS: Texts = {
    "ko": "지금 사용자로는 읽고 쓸 수 없습니다.",
    "en": "It can't be read and written by this user.",
}
_NOT_PRIVATE: Texts = {
    "ko": "이 사용자만 쓸 수 있는 폴더여야 합니다(권한 0700).",
    "en": "It must be a directory of this user's alone (mode 0700).",
}


@dataclass(frozen=True, slots=True)
class DataDir:
    """One appliance's directory. `root` holds the database, keys, lock and control socket; all else is derived."""

    root: Path

    @property
    def database(self) -> Path:
        return self.root / "vooster.db"

    @property
    def spare(self) -> Path:
        """Holds nothing but room on the disk (`storage.spare`)."""
        return self.root / "vooster.spare"

    @property
    def secrets(self) -> Path:
        return self.root / "secrets.json"

    @property
    def authority(self) -> Path:
        """The local CA with its key, where `tls.mode` is `auto`; as secret as `secrets`."""
        return self.root / "tls" / "authority.pem"

    @property
    def server_certificate(self) -> Path:
        """The certificate that the local CA made for this appliance, with its key."""
        return self.root / "tls" / "server.pem"

    @property
    def lock(self) -> Path:
        return self.root / "vooster.lock"

    @property
    def control_socket(self) -> Path:
        """Where the commands reach the running appliance; beside the data unless that path is too long for a socket."""
        return self._socket("control.sock")

    @property
    def command_socket(self) -> Path:
        """Where a command that opened the directory itself, because none was running, reaches its own appliance."""
        return self._socket("command.sock")

    def _socket(self, name: str) -> Path:
        socket = self.root / name
        if len(os.fsencode(socket)) <= _SOCKET_PATH_BYTES or sys.platform == "win32":
            return socket
        return _runtime_dir() / f"{hashlib.sha256(os.fsencode(self.root)).hexdigest()[:16]}-{name}"

    @property
    def config(self) -> Path:
        return self.root / "vooster.toml"

    @property
    def config_if_any(self) -> Path | None:
        """The settings file where there is one, readable or not."""
        return self.config if _is_there(self.config) else None

    @property
    def documents(self) -> Path:
        """Where work orders are looked for unless `orders.folder` names another place."""
        return self.root / "documents"

    def make(self) -> None:
        """Makes the directory, readable by its owner alone. Raises `SETTINGS_INVALID` where there can be none."""
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            usable = os.access(self.root, os.R_OK | os.W_OK | os.X_OK)
            reason = _NOT_OURS
        except OSError as error:
            why = told(error)
            usable = False
            reason = {
                "ko": f"폴더를 만들 수 없습니다: {why['ko']}.",
                "en": f"There can be no directory: {why['en']}.",
            }
        if not usable:
            where = f"--data-dir {self.root}"
            raise Problem("SETTINGS_INVALID", f"{where}: {reason['en']}", values={"where": where, "reason": reason})


def choose(explicit: Path | None) -> tuple[DataDir, str]:
    """The data directory and why it is this one: given, the installed service's, or this user's own."""
    if explicit is not None:
        return DataDir(explicit.expanduser().absolute()), "--data-dir"
    service = _SERVICE_DATA.get(sys.platform)
    if service is not None and _is_there(service / "vooster.db"):
        return DataDir(service), "the installed service"
    return DataDir(Path(platformdirs.user_data_dir("vooster", appauthor=False))), "this user"


def has_service() -> bool:
    """Whether Vooster is installed as a service of this machine's."""
    return any(_is_there(unit) for unit in _UNITS)


def _is_there(file: Path) -> bool:
    """What may not even be looked at counts as there, so that whoever opens it is told so."""
    try:
        return file.is_file()
    except PermissionError:
        return True


def private(directory: Path) -> Path:
    """`directory`, made when missing. Raises `SETTINGS_INVALID` when anybody but this user could put things there."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = directory.lstat()
        reason = _NOT_PRIVATE
        fine = sys.platform == "win32" or (
            stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not stat.S_IMODE(found.st_mode) & 0o077
        )
    except OSError as error:
        why = told(error)
        fine, reason = False, {"ko": f"쓸 수 없습니다: {why['ko']}.", "en": f"It can't be used: {why['en']}."}
    if not fine:
        values = {"where": str(directory), "reason": reason}
        raise Problem("SETTINGS_INVALID", f"{directory}: {reason['en']}", values=values)
    return directory


def _runtime_dir() -> Path:
    """A short place for sockets that only this user reaches; the same for a service and at a terminal."""
    if sys.platform == "win32":
        return Path(tempfile.gettempdir())
    given = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
    if len(os.fsencode(given)) <= _RUNTIME_PATH_BYTES and Path(given).is_dir():
        return Path(given) / "vooster"
    temporary = tempfile.gettempdir()
    if len(os.fsencode(temporary)) > _RUNTIME_PATH_BYTES:
        temporary = "/tmp"  # noqa: S108 - what is made in it is checked to be this user's alone
    return Path(temporary) / f"vooster-{os.getuid()}"


def package_data(name: str) -> Traversable:
    """A file or folder that ships inside the package (`static`, `samples`), in a wheel and in the binary alike."""
    return resources.files("appliance").joinpath(name)
