"""Real file systems of the tests' own: ext4 in a file, mounted over a loop device."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

_SYSTEM = "/usr/sbin:/sbin"


def run(*command: str) -> subprocess.CompletedProcess[str]:
    path = f"{os.environ.get('PATH', '')}:{_SYSTEM}"
    found = shutil.which(command[0], path=path) or command[0]
    return subprocess.run([found, *command[1:]], capture_output=True, text=True, timeout=30, check=False)


class Mounted:
    """An ext4 of that size at `at`; `device` is its loop device."""

    def __init__(self, folder: Path, megabytes: int) -> None:
        self.image, self.at = folder / "ext4.img", folder / "mounted"
        self._filler = self.at / "filler"
        self.device = ""
        self.at.mkdir(parents=True)
        with self.image.open("wb") as file:
            file.truncate(megabytes << 20)

    def format(self) -> None:
        if shutil.which("mkfs.ext4", path=_SYSTEM) is None:
            pytest.skip("mkfs.ext4 is missing (e2fsprogs)")
        # Blocks as on a disk of usual size: with smaller ones SQLite's shared memory can't be sure of its room.
        made = run("mkfs.ext4", "-q", "-F", "-b", "4096", "-m", "0", "-E", "lazy_itable_init=0", str(self.image))
        assert made.returncode == 0, made.stderr

    def mount(self, options: str = "errors=remount-ro") -> None:
        if os.geteuid() != 0:
            pytest.skip("mounting a file system needs root")
        attached = run("losetup", "--find", "--show", str(self.image))
        if attached.returncode != 0:
            pytest.skip(f"there are no loop devices here: {attached.stderr.splitlines()[0]}")
        self.device = attached.stdout.strip()
        mounted = run("mount", "-t", "ext4", "-o", options, self.device, str(self.at))
        if mounted.returncode != 0:
            self.unmount()
            pytest.skip(f"mounting isn't allowed here: {mounted.stderr.splitlines()[0]}")

    def unmount(self) -> None:
        """Takes it away, whoever still uses it; the loop device goes with it."""
        if not self.device:
            return
        if os.path.ismount(self.at):
            run("umount", "-l", str(self.at))
        run("losetup", "--detach", self.device)
        self.device = ""

    def break_down(self) -> None:
        """Has the kernel find an error in it: from now on it is read-only."""
        ask = Path(f"/sys/fs/ext4/{Path(self.device).name}/trigger_fs_error")
        if not ask.exists():
            pytest.skip("this kernel can't be asked for a file system error")
        ask.write_text("1")

    def repair(self) -> None:
        """Unmounts, checks and mounts again, as a person or the next boot does; nobody may use it meanwhile."""
        self.unmount()
        checked = run("fsck.ext4", "-y", "-f", str(self.image))
        assert checked.returncode in (0, 1, 2), checked.stdout
        self.mount()

    def fill(self) -> None:
        """Takes every byte that is left, and what the kernel finds to be left once those are in their places."""
        for size in (1 << 20, 4096, 1, 4096, 1):
            with self._filler.open("ab", buffering=0) as file:
                with contextlib.suppress(OSError):
                    while True:
                        file.write(b"x" * size)
                os.fsync(file.fileno())

    def free(self) -> None:
        self._filler.unlink()


@contextlib.contextmanager
def ext4(folder: Path, megabytes: int = 24) -> Iterator[Mounted]:
    """Skips, by name, where there can be none."""
    disk = Mounted(folder, megabytes)
    disk.format()
    try:
        disk.mount()
        yield disk
    finally:
        disk.unmount()
