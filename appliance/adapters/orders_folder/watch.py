"""The part that runs all the time: lists the folder again and again, and looks again at files somebody waits for.

File system events (the `watchfiles` package, MIT and well kept) were weighed against listing. They don't exist on
network shares, where listing would be needed all the same, and their queues can overflow. What they would save is
26 ms every two seconds for 20,000 files, in a thread that yields at every entry; who asks for an order that isn't in
the list has it listed anew at once, events or not.
"""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Final, ParamSpec, TypeVar

import structlog

from appliance.adapters.orders_folder.place import is_local
from appliance.adapters.orders_folder.scan import File, Listing, Sight, State, is_gone, is_unchanged, look, scan

log = structlog.get_logger()
P = ParamSpec("P")
T = TypeVar("T")

_POLL_SHARE: Final = 20  # a scan of one second is followed by at least 20 s without one,
_MISS_SHARE: Final = 2  # or by 2 s where orders are asked for that aren't in the list
_SILENCE_SECONDS: Final = 10.0
_WANTED_LIMIT: Final = 1000
_GREETED_LIMIT: Final = 256


class Watcher:
    """Knows what is in the folder. `listing` is the newest scan's, or the last good one while there is `trouble`."""

    def __init__(self, root: Path, poll: bool | None, interval: float, settle: float, now: Callable[[], float]) -> None:
        self.listing = Listing()
        self.local = poll is False
        self.began = float("-inf")
        """When the last finished scan began, monotonic seconds."""
        self._root, self._poll = root, poll
        self._interval, self._settle, self._now = interval, settle, now
        self._trouble: str | None = "The folder hasn't been read yet."
        self._running_since: float | None = None
        self._scan_seconds = 0.0
        self._asked = asyncio.Event()
        self._finished = asyncio.Event()
        self._wanted: dict[str, File] = {}
        self._any_wanted = asyncio.Event()
        self._owed = False
        self._calls: list[Callable[[], None]] = []
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="orders-folder")
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._keep_listing()), asyncio.create_task(self._keep_looking())]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._threads.shutdown(wait=False, cancel_futures=True)

    def on_change(self, call: Callable[[], None]) -> None:
        """`call` runs when files come or go, when a wanted one is whole, and when the folder answers again."""
        self._calls.append(call)

    @property
    def trouble(self) -> str | None:
        """Why nobody can say what is in the folder, in one English sentence; None while all is well."""
        if self._running_for() > _SILENCE_SECONDS:
            return "The folder doesn't answer."
        return self._trouble

    @property
    def stalled(self) -> bool:
        """Whether the scan under way takes much longer than the one before it did."""
        return self._running_for() > 3 * self._scan_seconds + 0.1

    @property
    def incomplete(self) -> list[str]:
        """The paths of files that are new or were asked for, and that were seen not to be whole."""
        return sorted(path for path, file in self._wanted.items() if file.sight and file.sight.state is not State.WHOLE)

    async def scan_after(self, moment: float) -> None:
        """Returns once a scan has finished that began after `moment` (monotonic); several may wait for the same one."""
        while self.began < moment:
            self._asked.set()
            await self._finished.wait()

    async def look(self, file: File) -> Sight:
        """How `file` is now. Raises OSError when it is gone or can't be asked. Off the loop but for a mere stat."""
        if self.local and file.sight is not None and is_unchanged(file):
            return file.sight
        file.sight = await self._in_thread(look, file, self._settle, self._now())
        return file.sight

    def want(self, file: File) -> None:
        """Somebody waits until `file` is whole: `on_change` tells when it is, or when it is gone."""
        if len(self._wanted) >= _WANTED_LIMIT:
            del self._wanted[next(iter(self._wanted))]
        self._wanted[file.path] = file
        self._any_wanted.set()

    def is_wanted(self, file: File) -> bool:
        return file.path in self._wanted

    def owe(self) -> None:
        """A look-up went unanswered: `on_change` runs after the next scan that succeeds."""
        self._owed = True

    def _running_for(self) -> float:
        return 0.0 if self._running_since is None else self._now() - self._running_since

    async def _in_thread(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        # Threads of its own: those of the loop stay free while a share hangs.
        return await asyncio.get_running_loop().run_in_executor(self._threads, lambda: work(*args, **kwargs))

    async def _keep_listing(self) -> None:
        while True:
            self._asked.clear()
            await self._list()
            gap = _MISS_SHARE * self._scan_seconds
            await asyncio.sleep(gap)
            try:
                async with asyncio.timeout(max(self._interval, _POLL_SHARE * self._scan_seconds) - gap):
                    await self._asked.wait()
            except TimeoutError:
                continue

    async def _list(self) -> None:
        before, began = self.listing, self._now()
        self._running_since = began
        trouble: str | None
        try:
            listing = await self._in_thread(scan, str(self._root), before)
            trouble = _doubts(listing, before)
        except OSError as problem:
            listing, trouble = before, _words(problem)
        except Exception:
            log.exception("orders_folder_scan_failed", folder=str(self._root))
            listing, trouble = before, "The folder can't be read."
        if trouble is None or listing.unread:
            if self._poll is None and listing.device != before.device:
                self.local = await self._in_thread(is_local, self._root)
            self.listing = listing
            self._greet(listing, before)
        self._running_since, self._scan_seconds, self.began = None, self._now() - began, began
        returned = self._note(trouble)
        finished, self._finished = self._finished, asyncio.Event()
        finished.set()
        if returned or self.listing.files is not before.files or (self._owed and trouble is None):
            self._owed = False
            self._tell()

    def _greet(self, listing: Listing, before: Listing) -> None:
        """Looks at new files at once, so that they are known to be whole by the time somebody scans their order."""
        if listing.files is not before.files:
            new = (file for path, file in listing.files.items() if path not in before.files)
            for file in islice(new, _GREETED_LIMIT):
                self.want(file)

    def _note(self, trouble: str | None) -> bool:
        """Keeps and logs what is wrong; True when the folder just came back."""
        before, self._trouble = self._trouble, trouble
        if trouble is not None and trouble != before:
            log.warning("orders_folder_unavailable", folder=str(self._root), reason=trouble)
        if trouble is None and before is not None:
            log.info("orders_folder_available", folder=str(self._root), files=len(self.listing.files))
        return trouble is None and before is not None

    async def _keep_looking(self) -> None:
        while True:
            await self._any_wanted.wait()
            changed = False
            for path, file in list(self._wanted.items()):
                before = file.sight
                try:
                    state = (await self.look(file)).state
                except OSError as problem:
                    if not is_gone(problem):
                        continue
                    state = None
                if state is None or state is State.WHOLE:
                    self._wanted.pop(path, None)
                    changed = True
                elif before is not None and before.state is not state:
                    changed = True
            if not self._wanted:
                self._any_wanted.clear()
            if changed:
                self._tell()
            await asyncio.sleep(self._settle)

    def _tell(self) -> None:
        for call in self._calls:
            try:
                call()
            except Exception:
                log.exception("orders_folder_callback_failed")


def _doubts(listing: Listing, before: Listing) -> str | None:
    """What is wrong with a scan that went through."""
    if listing.unread:
        return f"A sub-folder can't be read: {listing.unread[0]}"
    if before.files and not listing.files and listing.device != before.device:
        return "The folder is empty and lies on another disk than before; its share is probably not connected."
    return None


def _words(problem: OSError) -> str:
    if isinstance(problem, FileNotFoundError):
        return "The folder isn't there."
    if isinstance(problem, NotADirectoryError):
        return "The path of the folder leads to a file."
    if isinstance(problem, PermissionError):
        return "The folder may not be read by this program."
    if problem.errno in (errno.ESTALE, errno.EIO, errno.EHOSTDOWN, errno.ETIMEDOUT, errno.ENOTCONN):
        return "The folder's share or disk doesn't answer."
    return f"The folder can't be read: {problem.strerror or os.strerror(problem.errno or errno.EIO)}."
