"""What file names mean: which ones name an order, which are never touched, and which refs stay inside the folder.

Pure functions. The rules are the same on every system, so that a folder means the same wherever it is mounted: what
Windows would read as something else (a device, a stream, a name without its trailing dot) is refused on Linux too.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from appliance.core.documents import CONTENT_TYPES

SCHEME: Final = "folder:"

_DEVICES: Final = re.compile(r"(con|prn|aux|nul|clock\$|conin\$|conout\$|(com|lpt)[0-9¹²³])", re.IGNORECASE)
_FORBIDDEN: Final = re.compile(r"[\x00-\x1f\x7f/\\:\ud800-\udfff]")
_PASSING: Final = frozenset(
    {"tmp", "temp", "part", "partial", "crdownload", "download", "filepart", "swp", "bak", "old"}
)
_SYSTEM_FILES: Final = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"})
_SYSTEM_FOLDERS: Final = frozenset({"system volume information", "lost+found", "__macosx"})
_OTHER_EXTENSION: Final = re.compile(r"[a-z][a-z0-9]{0,5}|[0-9][a-z]{2}")


def key(text: str) -> str:
    """What an order id and a file's stem are compared by: NFC (macOS stores NFD), without regard to case."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def safe(part: str) -> bool:
    """Whether one part of a path names the same ordinary file or folder on every system."""
    if not part or len(part) > 255 or part[-1] in ". " or _FORBIDDEN.search(part):
        return False
    return not _DEVICES.fullmatch(part.partition(".")[0].rstrip(" "))


def passing(name: str) -> bool:
    """Whether a file is another program's scratch: hidden, a lock, a download under way, a thumbnail store."""
    lower = name.lower()
    return name[:1] in (".", "~") or lower in _SYSTEM_FILES or lower.rpartition(".")[2] in _PASSING


def off_limits(folder: str) -> bool:
    """Whether a sub-folder is never searched: hidden ones, recycle bins (`$…`, `#…`) and a NAS's own (`@…`)."""
    return folder[:1] in (".", "$", "#", "@") or folder.lower() in _SYSTEM_FOLDERS or not safe(folder)


def split(name: str) -> tuple[str, str] | None:
    """The stem and the extension (lower case) of a file that names an order; None for a file that never does.

    The extension may be one that can't be shown, so that a scan can say so.
    """
    stem, dot, extension = name.rpartition(".")
    if not dot or not stem or passing(name) or not safe(name):
        return None
    extension = extension.lower()
    if extension in CONTENT_TYPES or _OTHER_EXTENSION.fullmatch(extension):
        return stem, extension
    return None


def relative(ref: str) -> str | None:
    """The relative path inside a ref `folder:<path>` if every part of it is safe and it can be shown; else None."""
    if not ref.startswith(SCHEME):
        return None
    path = ref[len(SCHEME) :]
    *folders, name = path.split("/")
    named = split(name)
    if named is None or named[1] not in CONTENT_TYPES or any(off_limits(folder) for folder in folders):
        return None
    return path
