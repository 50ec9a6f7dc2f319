"""A disk that takes no more, for real: the kernel refuses every write of a regular file past a size."""

from __future__ import annotations

import contextlib
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

_UNLIMITED = resource.RLIM_INFINITY


@contextlib.contextmanager
def refusing(pid: int = 0) -> Iterator[None]:
    """While it lasts the process (this one by default) can't make any file longer than nothing."""
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


@contextlib.contextmanager
def small_disk(mountpoint: Path, megabytes: int) -> Iterator[bool]:
    """A file system of that size at `mountpoint`; False where mounting isn't allowed."""
    mountpoint.mkdir(parents=True, exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=700", "tmpfs", str(mountpoint)],
        capture_output=True,
        check=False,
    )
    try:
        yield mounted.returncode == 0
    finally:
        if mounted.returncode == 0:
            subprocess.run(["umount", "-l", str(mountpoint)], check=True)
