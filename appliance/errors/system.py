"""What the operating system refuses, in words: its own are in one language only."""

from __future__ import annotations

import errno
import socket
from typing import Final

from appliance.errors import Texts

_WORDS: Final[dict[int, tuple[str, str]]] = {
    errno.ENOENT: ("없습니다", "it isn't there"),
    errno.EACCES: ("권한이 없습니다", "this user may not"),
    errno.EPERM: ("권한이 없습니다", "this user may not"),
    errno.EEXIST: ("그 이름의 파일이 있습니다", "there is a file of that name"),
    errno.ENOTDIR: ("경로 중간에 폴더가 아닌 파일이 있습니다", "part of the path is a file, not a folder"),
    errno.EISDIR: ("파일이 아니라 폴더입니다", "it is a folder, not a file"),
    errno.ENAMETOOLONG: ("이름이 너무 깁니다", "the name is too long"),
    errno.ENOSPC: ("디스크가 가득 찼습니다", "the disk is full"),
    errno.EROFS: ("읽기 전용 디스크입니다", "the disk is read-only"),
    errno.EIO: ("디스크 오류입니다", "the disk fails"),
    errno.EADDRNOTAVAIL: ("이 PC의 주소가 아닙니다", "it is no address of this PC"),
    socket.EAI_NONAME: ("찾을 수 없는 이름입니다", "nobody knows that name"),
    socket.EAI_AGAIN: ("지금은 이름을 찾을 수 없습니다", "the name can't be looked up now"),
}


def told(error: OSError) -> Texts:
    """Why it failed, by language; what there are no words for yet is the system's own."""
    own = error.strerror or str(error)
    ko, en = _WORDS.get(error.errno or 0, (own, own))
    return {"ko": ko, "en": en}
