"""Where a folder lives: on a disk of this machine, or anywhere that may take its time to answer."""

from __future__ import annotations

import ctypes
import re
import sys
from pathlib import Path
from typing import Final

# Asking these is a matter of microseconds. Everything else (cifs, nfs, fuse, 9p, unknown) may hang for a minute.
_LOCAL_KINDS: Final = frozenset(
    {
        *("apfs", "bcachefs", "btrfs", "erofs", "exfat", "ext2", "ext3", "ext4", "f2fs", "hfsplus", "iso9660", "jfs"),
        *("msdos", "ntfs", "ntfs3", "overlay", "ramfs", "squashfs", "tmpfs", "ubifs", "udf", "vfat", "xfs", "zfs"),
    }
)
_FIXED_DRIVE, _RAM_DISK = 3, 6


def is_local(folder: Path) -> bool:
    """Whether asking about a file in `folder` is quick for certain. Where that can't be told it is False."""
    path = str(folder.resolve())
    if sys.platform == "win32":
        drive = folder.resolve().drive
        if not re.fullmatch("[A-Za-z]:", drive):
            return False
        return ctypes.windll.kernel32.GetDriveTypeW(drive + "\\") in (_FIXED_DRIVE, _RAM_DISK)
    try:
        mounts = Path("/proc/self/mountinfo").read_text("utf-8", "surrogateescape")
    except OSError:
        return False
    return kind_of(path, mounts) in _LOCAL_KINDS


def kind_of(path: str, mountinfo: str) -> str:
    """The file system type under an absolute `path`, by Linux's `/proc/self/mountinfo` (see proc(5)); "" if unknown."""
    best, kind = "", ""
    for line in mountinfo.splitlines():
        mounted, _, source = line.partition(" - ")
        fields = mounted.split(" ")
        if len(fields) < 5:
            continue
        point = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), fields[4])
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):  # a later mount on the same point hides the earlier one
            best, kind = point, source.partition(" ")[0]
    return kind
