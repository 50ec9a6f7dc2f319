"""Pairing codes that wait on monitors: in memory alone, for a stranger's request never writes to the disk.

Anybody may ask for a code, so somebody will ask for thousands. None of them may keep a real monitor from getting one,
so a new one is let in nearly always, and who has to go is decided here: first what nobody asks after any more, then the
oldest of whoever has the most. A code that a supervisor has looked at, or that was approved, stays.
"""

from __future__ import annotations

import asyncio
import math
import secrets
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from appliance.core import pairing as rules
from appliance.core.networks import counted, neighbourhood
from appliance.core.pairing import Waiting
from appliance.core.rate import Rate
from appliance.core.screens import Client, Display
from appliance.errors import too_many
from appliance.relay.grants import TokenPair, digest
from appliance.relay.secrets import new_token

MAX_WAITING = 1_000
MAX_PER_ADDRESS = 200
BURST, PER_SECOND = 250, 2.0
"""How many codes one address may ask for at once, and then how often: each of them costs a picture, which takes as long
as hundreds of triggers, and a hall of new monitors may share an address."""
SILENT_MS = 30_000
"""A monitor that waits asks every 2 s, or lets its question be held for 20 s: after this long nobody is there."""
ENDED_KEPT_MS = 30_000
"""How long a code that is over is still told apart from one that never was."""


@dataclass(slots=True, eq=False)
class Code:
    """One that waits. `keys` are what it brought, once it was approved."""

    key: bytes
    waiting: Waiting
    decided: asyncio.Event = field(default_factory=asyncio.Event)
    keys: tuple[TokenPair, str] | None = None
    looked_at: bool = False
    """By a supervisor, who is about to decide on it."""

    @property
    def stays(self) -> bool:
        return self.waiting.state == "approved" or (self.waiting.state == "pending" and self.looked_at)

    def silent(self, now: int) -> bool:
        return now - max(self.waiting.created_at, self.waiting.asked_at) > SILENT_MS


class Codes:
    """All of them, the oldest first. Without `limited` an address may have as many as there may be at all."""

    def __init__(self, *, limited: bool) -> None:
        self._limited = limited
        self._by_device: dict[bytes, Code] = {}
        self._by_prefix: dict[str, Code] = {}
        self._rate = Rate(per_second=PER_SECOND, burst=BURST)

    def __iter__(self) -> Iterator[Code]:
        return iter(list(self._by_device.values()))

    def of_device(self, device_code: str) -> Code | None:
        return self._by_device.get(digest(device_code))

    def of_prefix(self, prefix: str) -> Code | None:
        return self._by_prefix.get(prefix)

    def add(self, client: Client, displays: list[Display], *, address: str, now: int) -> tuple[Waiting, str]:
        """A new one, and the device code that polls for it. Raises `RATE_LIMITED` for an address, or an IPv6 network,
        that asks too often, or while a supervisor has looked at every one there is."""
        for code in self:
            if code.waiting.expires_at + ENDED_KEPT_MS < now:
                self.drop(code)
        if self._limited:
            for key, share in counted(address):
                pause = self._rate.take(key, now / 1000, 1 / share)
                if pause:
                    raise too_many(math.ceil(pause))
            self._make_room_for(address)
        self._make_room(now)
        user_code = rules.new_code(secrets.choice)
        while user_code[: rules.HALF] in self._by_prefix:
            user_code = rules.new_code(secrets.choice)
        device_code = new_token()
        waiting = Waiting(user_code, client, displays, address, now, now + rules.LIFE_MS)
        code = Code(digest(device_code), waiting)
        self._by_device[code.key] = self._by_prefix[waiting.prefix] = code
        return waiting, device_code

    def drop(self, code: Code) -> None:
        """Takes it out; who still asks after it learns that it is over."""
        self._by_device.pop(code.key, None)
        if code.waiting.state == "pending":
            code.waiting.state = "ended"
        code.decided.set()
        self._by_prefix.pop(code.waiting.prefix, None)

    def _make_room_for(self, address: str) -> None:
        """An address that has many loses its own oldest."""
        mine = [code for code in self if not code.stays and code.waiting.address == address]
        for code in mine[: max(0, len(mine) - MAX_PER_ADDRESS + 1)]:
            self.drop(code)

    def _make_room(self, now: int) -> None:
        if len(self._by_device) < MAX_WAITING:
            return
        open_to_go = [code for code in self if not code.stays]
        if not open_to_go:
            raise too_many(SILENT_MS // 1000)
        goes = next((code for code in open_to_go if code.silent(now)), None)
        if goes is None:
            weight = Counter(neighbourhood(code.waiting.address) for code in open_to_go)
            heaviest = max(weight, key=weight.__getitem__)
            goes = next(code for code in open_to_go if neighbourhood(code.waiting.address) == heaviest)
        self.drop(goes)
