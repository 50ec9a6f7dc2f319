"""What set-up shows as "already checked": address, automatic finding, folder, disk. Nothing here ever blocks set-up."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from appliance.api.setup import Check
from appliance.errors import Texts
from appliance.relay.orders import OrderSource
from appliance.relay.status import Status
from appliance.storage.database import Database

_LOW_DISK_BYTES = 1 << 30
_SLOW_COMMIT_MS = 100


class Checks:
    """Looks at the running appliance each time it is asked."""

    def __init__(
        self, *, source: OrderSource, database: Database, status: Status, best: Callable[[], str], folder: Path
    ) -> None:
        self._source = source
        self._database = database
        self._status = status
        self._best = best
        self._folder = folder

    async def run(self) -> list[Check]:
        found = [self._address(), self._orders(), self._disk()]
        if self._status.discovery is not None:
            found.insert(1, self._discovery(self._status.discovery()))
        return found

    def _address(self) -> Check:
        address = urlsplit(self._best()).netloc
        loopback = address.startswith(("127.", "localhost", "[::1]"))
        return Check(
            "address",
            not loopback,
            address,
            {"ko": "이 PC가 공장 네트워크에 연결되어 있지 않습니다.", "en": "This PC isn't on the factory network."}
            if loopback
            else {"ko": "공장 네트워크의 주소입니다.", "en": "The address on the factory network."},
        )

    def _discovery(self, status: dict[str, Any]) -> Check:
        host = status.get("host")
        if not status.get("ok"):
            why: Texts = status["messages"]
            ko, en = f"{why['ko']} 주소를 입력하면 됩니다.", f"{why['en']} Type the address instead."
            return Check("mdns", False, host or "", {"ko": ko, "en": en})
        if not host:
            words = status.get("messages") or {
                "ko": "네트워크에서 쓸 이름을 정하고 있습니다.",
                "en": "Choosing its name on the network.",
            }
            return Check("mdns", None, "", words)
        words = {"ko": "확장 프로그램이 저절로 찾습니다.", "en": "The extension finds it by itself."}
        return Check("mdns", True, host, words)

    def _orders(self) -> Check:
        status = self._source.status()
        count = status.get("documents", 0)
        if not status.get("ok"):
            detail = {"ko": "제작의뢰서 폴더를 읽을 수 없습니다.", "en": "The work order folder can't be read."}
        elif not count:
            detail = {"ko": "제작의뢰서 폴더가 비어 있습니다.", "en": "The work order folder is empty."}
        else:
            detail = {"ko": f"문서 {count}개", "en": f"{count} documents" if count != 1 else "1 document"}
        return Check("folder", bool(status.get("ok")) and bool(count), str(self._folder), detail)

    def _disk(self) -> Check:
        free = shutil.disk_usage(self._database.path.parent).free
        commit_ms = self._database.commit_seconds * 1000
        good = free >= _LOW_DISK_BYTES and commit_ms < _SLOW_COMMIT_MS and self._database.ok
        return Check(
            "disk",
            good,
            f"{free / (1 << 30):.0f} GB",
            {"ko": f"저장 한 번에 {commit_ms:.1f} ms", "en": f"One save takes {commit_ms:.1f} ms"},
        )
