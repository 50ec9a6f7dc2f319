"""The order source `folder`: an order is a file called like it, anywhere in a folder of this machine or of a share.

`watch` knows what is in the folder, `scan` reads it, `names` says which names count, `place` whether it may hang. Here
are the rules of a look-up: which of several files, what is waited for, and what is answered when there is none.
"""

from __future__ import annotations

import asyncio
import time
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog

from appliance.adapters.orders_folder import names
from appliance.adapters.orders_folder.scan import File, Sight, State, is_gone, is_unchanged
from appliance.adapters.orders_folder.watch import Watcher
from appliance.core.documents import content_type
from appliance.errors import Problem
from appliance.relay.orders import Document

log = structlog.get_logger()

_EXAMPLES: Final = 20


class FolderOrders:
    """Orders as files in `folder`. Fulfils `OrderSource`.

    `poll` says how the folder may be touched: True like a share that can hang (never on the event loop), False like a
    disk of this machine, None: find out. `poll_interval`, `settle` and `deadline` are seconds: between two scans, for
    which a file has to stay the same to count as whole, and that one look-up may take. `now` is a monotonic clock.
    """

    def __init__(
        self,
        folder: Path,
        *,
        poll: bool | None = None,
        poll_interval: float = 2.0,
        settle: float = 0.5,
        deadline: float = 0.9,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._root = folder.absolute()
        self._watch = Watcher(self._root, poll, poll_interval, settle, now)
        self._settle, self._deadline, self._now = settle, deadline, now
        self._warned: dict[str, tuple[str, ...]] = {}

    async def start(self) -> None:
        """Begins to watch; returns after the first scan, or after `deadline` where that takes longer."""
        self._watch.start()
        try:
            async with asyncio.timeout(self._deadline):
                await self._watch.scan_after(self._now())
        except TimeoutError:
            log.warning("orders_folder_slow", folder=str(self._root))

    async def stop(self) -> None:
        await self._watch.stop()

    def on_change(self, call: Callable[[], None]) -> None:
        self._watch.on_change(call)

    async def look_up(self, order_id: str) -> Document:
        """See `OrderSource`."""
        found = self.at_hand(order_id)
        if found is not None:
            return found
        key = names.key(order_id)
        try:
            async with asyncio.timeout(self._deadline):
                return await self._search(order_id, key)
        except TimeoutError:
            raise self._too_late(order_id, key) from None

    def at_hand(self, order_id: str) -> Document | None:
        """See `OrderSource`: on a local disk, an order that was found before and whose file hasn't changed since."""
        if not self._watch.local:
            return None
        files = self._watch.listing.shown.get(names.key(order_id))
        if files is None or len(files) != 1 or not is_unchanged(files[0]):
            return None
        return _document(order_id, files[0])

    async def _search(self, order_id: str, key: str) -> Document:
        asked = self._now()
        while True:
            file = await self._choose(key)
            if file is not None:
                return _document(order_id, file)
            if self._watch.began >= asked:
                raise self._absent(order_id, key)
            await self._watch.scan_after(asked)

    async def _choose(self, key: str) -> File | None:
        """The file to show, once all of it is there; None when there is none. PDF first, then the newest."""
        while True:
            seen = await self._look_at(self._watch.listing.shown.get(key, []))
            if not seen:
                return None
            seen.sort(key=lambda pair: (pair[0].extension != "pdf", -pair[1].signature[1], pair[0].path))
            file, sight = next((pair for pair in seen if pair[1].state is not State.BROKEN), seen[0])
            if sight.state is State.WHOLE:
                self._warn_of_doubles(key, [file for file, _ in seen], file)
                return file
            self._watch.want(file)
            if sight.state is State.BROKEN:
                raise _unavailable(f"{file.path} isn't complete.")
            await asyncio.sleep(max(0.01, sight.since + self._settle - self._now()))

    async def _look_at(self, files: list[File]) -> list[tuple[File, Sight]]:
        seen = []
        for file in files:
            try:
                seen.append((file, await self._watch.look(file)))
            except OSError as problem:
                if not is_gone(problem):
                    self._watch.owe()
                    raise _unavailable(f"{file.path} can't be read: {problem.strerror}") from problem
        return seen

    def _warn_of_doubles(self, key: str, files: list[File], chosen: File) -> None:
        if len(files) == 1:
            self._warned.pop(key, None)
            return
        paths = tuple(file.path for file in files)
        if self._warned.get(key) != paths:
            self._warned[key] = paths
            others = [file.path for file in files if file is not chosen]
            log.warning("order_has_several_documents", order=chosen.stem, chosen=chosen.path, others=others)

    def _absent(self, order_id: str, key: str) -> Problem:
        if self._watch.trouble is not None:
            self._watch.owe()
            return _unavailable(self._watch.trouble)
        extension = self._watch.listing.unsupported.get(key)
        if extension is not None:
            detail = f"There is only a .{extension} file, which can't be shown."
            return Problem("DOCUMENT_TYPE_UNSUPPORTED", detail, values={"type": extension, "orderId": order_id})
        return Problem("ORDER_NOT_FOUND", values={"orderId": order_id})

    def _too_late(self, order_id: str, key: str) -> Problem:
        """The answer when the deadline came first: unknown only where the folder answers and its last list said so."""
        files = self._watch.listing.shown.get(key, [])
        for file in files:
            if self._watch.is_wanted(file):
                return _unavailable(f"{file.path} is still being written.")
        if files or self._watch.stalled:
            self._watch.owe()
            return _unavailable("The folder doesn't answer.")
        return self._absent(order_id, key)

    def resolve(self, ref: str) -> Path | None:
        """The file behind `folder:<path>`, links followed and found to end inside the folder; None for anything else.

        Asks the file system: in a thread, please, where `status()["local"]` is False.
        """
        path = names.relative(ref)
        if path is None:
            return None
        try:
            real = (self._root / path).resolve(strict=True)
            inside = real.is_relative_to(self._root.resolve(strict=True)) and real.is_file()
        except (OSError, ValueError, RuntimeError):  # RuntimeError: a loop of links, before Python 3.13
            return None
        return real if inside else None

    def status(self) -> dict[str, object]:
        """For health. `documents` counts files that can be shown; of the lists, the first 20 are given."""
        listing, trouble = self._watch.listing, self._watch.trouble
        status: dict[str, object] = {
            "ok": trouble is None,
            "documents": listing.documents,
            "folder": str(self._root),
            "local": self._watch.local,
            "doubles": len(listing.doubles),
            "doubleOrders": list(listing.doubles[:_EXAMPLES]),
            "incomplete": self._watch.incomplete[:_EXAMPLES],
        }
        if trouble is not None:
            status["detail"] = trouble
        return status


def _document(order_id: str, file: File) -> Document:
    title = unicodedata.normalize("NFC", file.stem)
    return Document(order_id, names.SCHEME + file.path, title, content_type(file.path))


def _unavailable(detail: str) -> Problem:
    return Problem("ORDER_SOURCE_UNAVAILABLE", detail)
