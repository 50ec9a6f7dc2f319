"""One card's part of the announcement: its own responder, which knows this segment's addresses alone, and its ears."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import time
from collections.abc import Callable

from zeroconf import DNSOutgoing, ServiceInfo  # type: ignore[attr-defined]
from zeroconf.asyncio import AsyncZeroconf

from appliance.adapters.mdns import packets
from appliance.adapters.mdns.cards import Card
from appliance.adapters.mdns.ears import Ears, only_its_own
from appliance.adapters.mdns.packets import Told
from appliance.adapters.mdns.reasons import Reason

_GOODBYE_SECONDS = 3.0
_ECHO_SECONDS = 3.0  # an answer given to all within the last second is held back for one (RFC 6762, section 6)


class Segment:
    """Open it, then `announce`; `close` at the end. `hear` gets what is said on this card, with the segment."""

    def __init__(self, card: Card, hear: Callable[[Segment, Told], None]) -> None:
        self.card = card
        self.info: ServiceInfo | None = None
        """What is announced here; None while nothing is."""
        self.heard: bool | None = None
        """Whether its own announcement came back; None while that is being found out."""
        self.listened_at: int | None = None
        """When that was last found out, in ms since the epoch."""
        self._came_back = asyncio.Event()
        self._ears = Ears(card, lambda told: hear(self, told))
        self._zeroconf: AsyncZeroconf | None = None
        self._listening: asyncio.Task[None] | None = None

    async def open(self) -> Reason | None:
        """Takes the sockets. What stands against it, or None."""
        if not self.card.multicast:
            return Reason("NO_MULTICAST", self.card.name)
        try:
            await self._ears.open()
            self._zeroconf = AsyncZeroconf(interfaces=list(self.card.speaks))
            await self._zeroconf.zeroconf.async_wait_for_start()
        except OSError as error:
            held = error.errno in (errno.EADDRINUSE, errno.EACCES)
            if error.errno in (errno.ENOBUFS, errno.ENODEV, errno.EINVAL, errno.ENOPROTOOPT):
                return Reason("NO_MULTICAST", self.card.name)
            return Reason("PORT_HELD" if held else "NO_NETWORK", self.card.name, error.strerror or str(error))
        engine = self._zeroconf.zeroconf.engine
        for reader in engine.readers:
            only_its_own(reader.sock)
        return None if engine.senders else Reason("NO_MULTICAST", self.card.name)

    async def close(self, *, goodbye: bool = True) -> None:
        """Without a `goodbye` nobody forgets the names: whoever goes on has them."""
        if self._listening is not None:
            self._listening.cancel()
        self._ears.close()
        zeroconf, self._zeroconf, info, self.info = self._zeroconf, None, self.info, None
        if zeroconf is None:
            return
        if info is not None and not goodbye:
            zeroconf.zeroconf.registry.async_remove(info)
        try:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(zeroconf.async_close(), _GOODBYE_SECONDS)
        finally:  # cut off in the middle of its goodbyes it would keep its sockets
            zeroconf.zeroconf.engine.close()

    def send(self, packet: DNSOutgoing) -> None:
        if self._zeroconf is not None:
            self._zeroconf.zeroconf.async_send(packet)

    def defend(self) -> None:
        """Says again what the names stand for."""
        if self.info is not None:
            self.send(packets.claim(self.info))

    async def announce(self, info: ServiceInfo) -> None:
        """Announces, in place of what was announced so far. The names are taken to be free."""
        if self._zeroconf is None:
            return
        if self.info is not None:
            await (await self._zeroconf.async_unregister_service(self.info))
        self.info = info
        self.heard = None
        await self._zeroconf.async_register_service(info, cooperating_responders=True)
        self.listen_soon()

    def came_back(self) -> None:
        """Its own announcement was heard."""
        self._came_back.set()

    def listen_soon(self) -> None:
        if self._listening is None or self._listening.done():
            self._listening = asyncio.create_task(self.listen(), name="mdns echo")

    async def listen(self, *, whole: bool = False) -> None:
        """Asks as a station would, twice if need be, and notes whether the answer comes (up to 6 s). `whole`: waits for
        the others' answers, too (3 s at least)."""
        for _ in range(2):
            self._came_back.clear()
            self.send(packets.look_around())
            began = time.monotonic()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._came_back.wait(), _ECHO_SECONDS)
                self._noted(heard=True)
                if whole:
                    await asyncio.sleep(began + _ECHO_SECONDS - time.monotonic())
                return
        self._noted(heard=False)

    def _noted(self, *, heard: bool) -> None:
        self.heard = heard
        self.listened_at = time.time_ns() // 1_000_000
