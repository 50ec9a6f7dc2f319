from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher

from appliance.errors import Problem
from appliance.relay.passwords import AT_ONCE, MAX_WAITING, Passwords


class Slow(PasswordHasher):
    """Waits until it is let go, and knows how many wait beside it."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.go = threading.Event()
        self.running = 0
        self.most = 0
        self._lock = threading.Lock()

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        with self._lock:
            self.running += 1
            self.most = max(self.most, self.running)
        self.go.wait(10)
        with self._lock:
            self.running -= 1
        return super().hash(password, salt=salt)


@pytest.fixture(name="slow")
def fixture_slow() -> Iterator[Slow]:
    hasher = Slow()
    yield hasher
    hasher.go.set()


async def test_few_at_once_and_a_bounded_number_waits(slow: Slow) -> None:
    hashing = Passwords(slow)
    running = [asyncio.ensure_future(hashing.hash("x" * 12)) for _ in range(MAX_WAITING)]
    await asyncio.sleep(0)
    with pytest.raises(Problem) as refused:
        await hashing.hash("x" * 12)
    assert (refused.value.code, refused.value.retry_after) == ("RATE_LIMITED", 2)
    slow.go.set()
    encoded = await asyncio.gather(*running)
    assert len(set(encoded)) == MAX_WAITING  # each with a salt of its own
    assert slow.most <= AT_ONCE
    await hashing.hash("x" * 12)
    hashing.close()


async def test_argon2id_with_enough_memory_and_the_right_answers() -> None:
    hashing = Passwords()
    encoded = await hashing.hash("correct horse battery")
    assert encoded.startswith("$argon2id$v=19$m=65536,t=3,p=1$")
    assert await hashing.verify(encoded, "correct horse battery")
    assert not await hashing.verify(encoded, "correct horse batter")
    assert not await hashing.verify(None, "nobody")
    assert not await hashing.verify("damaged", "x")
    hashing.close()
