"""One run: an appliance at work is killed and started again, many times; then all is let settle and judged."""

from __future__ import annotations

import asyncio
import contextlib
import random
import shutil
import sqlite3
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from appliance.storage.rows import read_deliveries
from tests.faults.field import Field
from tests.faults.ledger import Ledger, Sights, read_ledger, read_sights
from tests.faults.lives import Lives
from tests.faults.producers import DOCUMENTS, Producers
from tests.faults.tempers import AWAY, PLANT, reach
from tests.faults.verdict import Evidence, Stored, Verdict, judge

STILL_SECONDS = 2.0
"""How long nothing open may move before it counts as settled: longer than any wait that the fast settings allow."""
SETTLE_SECONDS = 60.0
FULL_LIFE_SECONDS = 8.0
ASKED_OF_THE_API = 100

_SELECT = (
    "SELECT d.pk, t.id, d.screen_id, d.display_index, t.mode, d.seq, d.state, d.final, d.listed, d.round, d.attempt, "
    "d.code FROM deliveries d JOIN triggers t ON t.pk = d.trigger_pk ORDER BY d.pk"
)


@dataclass(frozen=True, slots=True)
class Plan:
    """`seed` is behind all chance: the same one makes the same choices again. `full` lives are killed only after they
    have accepted enough for a fault to do harm; the others at any moment, of their start as well."""

    kills: int
    seed: int
    fault: str | None = None
    full: bool = False
    earliest: float = 0.005
    latest: float = 0.5
    in_start: float = 0.15
    """The share of kills that hit the start itself."""


@dataclass(frozen=True, slots=True)
class Installation:
    """A data directory with the plant's screens paired and a producer's key in it, to begin runs from."""

    data: Path
    key: str
    tokens: dict[str, str]


async def install(root: Path) -> Installation:
    """Sets an appliance up in `root`, as a person would, and stops it."""
    lives = Lives(root)
    try:
        await lives.start()
        key, tokens = await lives.new_key(), await _pair(lives)
        await lives.stop()
    finally:
        await lives.close()
    return Installation(lives.data, key, tokens)


async def run(root: Path, plan: Plan, installation: Installation) -> Verdict:
    """The whole run in `root` to its verdict."""
    started = time.monotonic()
    lives = Lives(root)
    lives.orders, lives.fault = DOCUMENTS, plan.fault
    shutil.copytree(installation.data, lives.data)
    try:
        async with _field(root, lives, plan) as field:
            clients = [temper(field, name, installation.tokens[name]) for name, (temper, _) in PLANT.items()]
            screens = [asyncio.create_task(client.run(), name=client.id) for client in clients]
            producers = Producers(field, installation.key)
            load = asyncio.create_task(producers.run())
            try:
                in_start = await _kill_again_and_again(lives, field, producers, plan)
                field.calm.set()
                await load
                await producers.finish()
                await producers.last_round()
                await _settle(lives)
                letters, answered = await _asked(lives, installation.key, plan)
            finally:
                for task in (load, *screens):
                    task.cancel()
                await asyncio.gather(load, *screens, return_exceptions=True)
        assert await lives.stop() == 0, lives.last_words()
    finally:
        await lives.close()
    verdict = judge(_evidence(root, lives, letters, answered))
    verdict.bites = lives.bites
    verdict.figures = {
        "random seed": plan.seed,
        "kills": f"{plan.kills}, {in_start} of them during the start",
        **verdict.figures,
        "bytes cut off unsynced": lives.cut_off,
        "fault": plan.fault or "none",
        "seconds": round(time.monotonic() - started, 1),
    }
    return verdict


@contextlib.asynccontextmanager
async def _field(root: Path, lives: Lives, plan: Plan) -> AsyncIterator[Field]:
    ledger, sights = Ledger(root / "ledger.jsonl"), Sights(root / "sights.jsonl")
    timeout = aiohttp.ClientTimeout(total=10, connect=2)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), timeout=timeout) as http:
        try:
            yield Field(plan.seed, lives.url, http, ledger, sights)
        finally:
            ledger.close()
            sights.close()


async def _pair(lives: Lives) -> dict[str, str]:
    for screen_id, (_, groups) in PLANT.items():
        made = await lives.local("POST", "/api/screens", {"screenId": screen_id, "groups": groups})
        assert made.status == 201, made.text
    answer = await lives.local("POST", "/api/pairing/provision", {"screenIds": list(PLANT)})
    return {pairing["screenId"]: pairing["accessToken"] for pairing in answer.json["items"]}


async def _kill_again_and_again(lives: Lives, field: Field, producers: Producers, plan: Plan) -> int:
    """Leaves it running; returns how many of the kills hit a start."""
    chance = random.Random(f"{plan.seed} kills")
    in_start = 0
    for _ in range(plan.kills):
        lives.begin()
        if not plan.full and chance.random() < plan.in_start:
            in_start += 1
            await asyncio.sleep(chance.uniform(plan.earliest, 0.15))
            await lives.kill()
            continue
        await lives.ready(field.http)
        producers.new_life()
        field.up.set()
        if plan.full:
            await _until_full(producers)
        await asyncio.sleep(chance.uniform(plan.earliest, plan.latest))
        field.up.clear()
        await lives.kill()
    lives.begin()
    await lives.ready(field.http)
    field.up.set()
    return in_start


async def _until_full(producers: Producers) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(producers.life.full.wait(), FULL_LIFE_SECONDS)


async def _settle(lives: Lives) -> None:
    """Returns when nothing is open for a screen that is there, or when nothing has moved for a good while."""
    deadline, still_since, before = time.monotonic() + SETTLE_SECONDS, time.monotonic(), None
    while time.monotonic() < min(deadline, still_since + STILL_SECONDS):
        now = await asyncio.to_thread(_open, lives)
        if not now:
            return
        if now != before:
            before, still_since = now, time.monotonic()
        await asyncio.sleep(0.05)


def _open(lives: Lives) -> list[tuple[Any, ...]]:
    """What is open for screens that are there, as the file has it at this moment."""
    with contextlib.closing(sqlite3.connect(f"file:{lives.data / 'vooster.db'}?mode=ro", uri=True)) as connection:
        found = connection.execute("SELECT pk, screen_id, state, attempt, losses FROM deliveries WHERE final = 0")
        return [row for row in found.fetchall() if row[1] not in AWAY]


async def _asked(lives: Lives, key: str, plan: Plan) -> tuple[set[str], dict[str, str]]:
    """The dead-letter list, all of it, and what the API says of some of the triggers."""
    letters: set[str] = set()
    cursor = ""
    while True:
        page = (await lives.local("GET", f"/api/dead-letters{cursor}")).json
        letters |= {letter["deliveryId"] for letter in page["items"]}
        if page["cursor"] is None:
            break
        cursor = f"?cursor={page['cursor']}"
    triggers = sorted({e.trigger for e in read_ledger(lives.data.parent / "ledger.jsonl") if e.kind == "accepted"})
    answered: dict[str, str] = {}
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {key}"}) as http:
        for trigger in random.Random(plan.seed).sample(triggers, min(ASKED_OF_THE_API, len(triggers))):
            async with http.get(f"{lives.url}/api/triggers/{trigger}") as answer:
                found = (await answer.json())["deliveries"] if answer.status == 200 else []
                answered |= {delivery["id"]: delivery["state"] for delivery in found}
    return letters, answered


def _evidence(root: Path, lives: Lives, letters: set[str], answered: dict[str, str]) -> Evidence:
    """Everything there is to be judged, with the appliance stopped."""
    with contextlib.closing(sqlite3.connect(lives.data / "vooster.db")) as connection:
        integrity = connection.execute("PRAGMA integrity_check").fetchone()[0]
        paths = {each.pk: tuple(line.state for line in each.history) for each in read_deliveries(connection, "")}
        stored = [Stored(*(*row, paths[row[0]])) for row in connection.execute(_SELECT)]
    entries, sights = read_ledger(root / "ledger.jsonl"), read_sights(root / "sights.jsonl")
    return Evidence(entries, sights, stored, reach, AWAY, answered, letters, integrity)
