"""Documents as a browser meets them: which files can be shown, their content types, and links that expire.

A link is `/documents/<token>/<file name>`; the token carries the expiry and the document's ref under a MAC. A link is
checked by signing its content again and comparing the whole path, so that exactly one spelling of it is good: another
encoding, another case, a longer or a shorter name are all refused.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import hmac
import re
from types import MappingProxyType
from typing import Final
from urllib.parse import quote

PREFIX: Final = "/documents/"

CONTENT_TYPES: Final = MappingProxyType(
    {
        "pdf": "application/pdf",
        "png": "image/png",
        "jpg": "image/jpeg",
        "jpeg": "image/jpeg",
        "webp": "image/webp",
        "gif": "image/gif",
        "svg": "image/svg+xml",
        "html": "text/html",
        "htm": "text/html",
        "txt": "text/plain",
    }
)
"""What a screen can show, by file name extension (lower case, no dot)."""

_PURPOSE: Final = b"vooster document link 1\0"
_MAC_BYTES: Final = 24
_EXPIRY_BYTES: Final = 8
_PATH_LIMIT: Final = 8192
# Of RFC 3986 pchar: clients that normalise addresses leave these as they are, and would undo an escape.
_PATH_SAFE: Final = "!$&'()*+,;=:@"
_PLAIN: Final = re.compile(r"[A-Za-z0-9._~-]+\Z").match
"""Names that need no escape, which nearly all are."""


def extension(name: str) -> str:
    """The part after the last dot of a file name, lower case; empty when there is none."""
    stem, dot, last = name.rpartition(".")
    return last.lower() if dot and stem else ""


def content_type(name: str, sample: bytes = b"") -> str:
    """The media type for a file called `name`, with a charset where it is text; unknown: `application/octet-stream`.

    Text is UTF-8 unless `sample`, the file's first bytes (cut anywhere), says otherwise: office programs in Korea still
    save text and web pages as CP949, which the web calls EUC-KR.
    """
    media = CONTENT_TYPES.get(extension(name), "application/octet-stream")
    return f"{media}; charset={_charset(sample)}" if media.startswith("text/") else media


def _charset(sample: bytes) -> str:
    if not sample:
        return "utf-8"
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16le" if sample.startswith(codecs.BOM_UTF16_LE) else "utf-16be"
    for codec, label in (("utf-8", "utf-8"), ("cp949", "euc-kr")):
        try:
            codecs.getincrementaldecoder(codec)().decode(sample)
        except UnicodeDecodeError:
            continue
        return label
    return "utf-8"


def sign(ref: str, key: bytes, expires_at_ms: int) -> str:
    """The URL path under which the document `ref` (`<source>:<path>`) may be fetched until `expires_at_ms` (epoch).

    Its last part is the document's file name, percent-encoded, for the browser's title and for "save as".
    """
    if len(key) < 16:
        raise ValueError("the key for document links is too short")
    content = expires_at_ms.to_bytes(_EXPIRY_BYTES, "big") + ref.encode()
    mac = hmac.digest(key, _PURPOSE + content, "sha256")[:_MAC_BYTES]
    token = base64.urlsafe_b64encode(mac + content).rstrip(b"=").decode("ascii")
    name = ref.partition(":")[2].rpartition("/")[2]
    if not _PLAIN(name):
        name = quote(name, safe=_PATH_SAFE)
    return f"{PREFIX}{token}/{name}"


def check(path: str, key: bytes, now_ms: int) -> str | None:
    """The ref behind a link of `sign`, or None when it is not one, was changed in any character, or is over.

    `path` is the request's path as it came over the wire, still percent-encoded.
    """
    if not path.startswith(PREFIX) or len(path) > _PATH_LIMIT or not path.isascii():
        return None
    token = path[len(PREFIX) :].partition("/")[0]
    try:
        content = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)[_MAC_BYTES:]
        ref = content[_EXPIRY_BYTES:].decode()
    except (binascii.Error, ValueError):
        return None
    expires_at_ms = int.from_bytes(content[:_EXPIRY_BYTES], "big")
    good = hmac.compare_digest(path.encode("ascii"), sign(ref, key, expires_at_ms).encode("ascii"))
    return ref if good and now_ms < expires_at_ms else None
