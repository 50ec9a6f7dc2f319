from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Literal

import pytest
from argon2 import PasswordHasher

from appliance.errors import Problem
from appliance.relay.passwords import AT_ONCE, KEPT_FREE, MAX_WAITING, Passwords


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


class Noting(PasswordHasher):
    """Takes a moment for each, and notes whose it was."""

    def __init__(self, done: list[str]) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self._done = done

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002 - its name there
        del hash
        time.sleep(0.02)
        self._done.append(str(password))
        return True


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


async def test_strangers_let_whoever_is_none_go_first_and_have_their_turn_in_between() -> None:
    done: list[str] = []
    hashing = Passwords(Noting(done))
    async with asyncio.timeout(30):
        waiting = [asyncio.ensure_future(hashing.verify(None, f"stranger-{each}", stranger=True)) for each in range(2)]
        await asyncio.gather(*waiting)
        done.clear()
        flood = [hashing.verify("x", f"stranger-{each}", stranger=True) for each in range(MAX_WAITING - KEPT_FREE)]
        tries = [asyncio.ensure_future(each) for each in flood]
        await asyncio.sleep(0)
        tries += [asyncio.ensure_future(hashing.verify("x", f"known-{each}")) for each in range(KEPT_FREE)]
        await asyncio.gather(*tries)
    hashing.close()
    behind = done[AT_ONCE:]  # two were under way
    firsts = [index for index, who in enumerate(behind) if who.startswith("known")]
    assert max(firsts) <= KEPT_FREE + 2
    assert sum(not who.startswith("known") for who in behind[: KEPT_FREE + 1]) >= 1
    assert len(done) == MAX_WAITING


async def test_whoever_leaves_gives_up_his_place(slow: Slow) -> None:
    hashing = Passwords(slow)
    tries = [asyncio.ensure_future(hashing.hash("x" * 12)) for _ in range(MAX_WAITING)]
    await asyncio.sleep(0)
    for each in tries:
        each.cancel()
    await asyncio.gather(*tries, return_exceptions=True)
    rest = [asyncio.ensure_future(hashing.hash("x" * 12)) for _ in range(MAX_WAITING - AT_ONCE)]
    await asyncio.sleep(0)
    with pytest.raises(Problem):  # two threads are busy still, for nobody
        await hashing.hash("x" * 12)
    slow.go.set()
    async with asyncio.timeout(30):
        assert len(set(await asyncio.gather(*rest))) == MAX_WAITING - AT_ONCE
    assert slow.most <= AT_ONCE
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
