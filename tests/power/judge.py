"""Reopens what a power cut left, as the appliance does, and says what is missing from what it had promised."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from appliance.errors import Problem
from appliance.paths import DataDir
from appliance.relay import secrets
from appliance.storage.files import prepare
from tests.power.images import images
from tests.power.load import EVERYWHERE, Ledger

_FINAL = {"shown", "received", "superseded", "dead"}


def put(folder: Path, files: dict[str, bytes], chance: random.Random) -> DataDir:
    """Writes an image to `folder`, with leftovers of the shared-memory index in every other one."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, content in files.items():
        if "/" not in name:
            (folder / name).write_bytes(content)
            (folder / name).chmod(0o600)
    if chance.random() < 0.5:
        (folder / "vooster.db-shm").write_bytes(chance.randbytes(chance.choice((100, 32768))))
    return DataDir(folder)


def faults(data: DataDir, cut: int, ledger: Ledger) -> list[str]:
    """What is wrong with the directory after a cut at `cut`; nothing when every promise made before it is kept."""
    try:
        prepare(data.database)
        keys = secrets.load(data.secrets)
    except Problem as problem:
        return [f"it doesn't start: {problem.code} {problem.detail}"]
    assert keys.jwt
    if ledger.ready and cut >= ledger.ready and data.secrets.read_bytes() != ledger.keys:
        return ["the keys are others"]
    connection = sqlite3.connect(data.database)
    try:
        return list(_faults(connection, cut, ledger))
    finally:
        connection.close()


def _faults(connection: sqlite3.Connection, cut: int, ledger: Ledger) -> Iterator[str]:
    integrity = [row[0] for row in connection.execute("PRAGMA integrity_check")]
    if integrity != ["ok"]:
        yield f"integrity: {integrity[:3]}"
        return
    if connection.execute("PRAGMA foreign_key_check").fetchone():
        yield "a row points at nothing"
    if ledger.ready and cut >= ledger.ready:
        screens = {name for (name,) in connection.execute("SELECT screen_id FROM screens")}
        keys = connection.execute("SELECT count(*) FROM api_keys").fetchone()[0]
        secrets_of = connection.execute("SELECT count(*) FROM device_secrets").fetchone()[0]
        if (screens, keys, secrets_of) != (EVERYWHERE, 1, len(EVERYWHERE)):
            yield f"screens or keys: {sorted(screens)}, {keys}, {secrets_of}"
    yield from _missing(connection, cut, ledger)
    reserved = connection.execute("SELECT value FROM meta WHERE key = 'seq'").fetchone()
    used = max((number for position, number in ledger.sequences if position <= cut), default=0)
    if used and (reserved is None or int(reserved[0]) <= used):
        yield f"number {used} would be given again"


def _missing(connection: sqlite3.Connection, cut: int, ledger: Ledger) -> Iterator[str]:
    rows = connection.execute(
        "SELECT t.id, t.id || ':' || d.screen_id, d.state FROM triggers t LEFT JOIN deliveries d ON d.trigger_pk = t.pk"
    ).fetchall()
    triggers = {trigger_id for trigger_id, _, _ in rows}
    states = {delivery_id: state for _, delivery_id, state in rows}
    for receipt in ledger.receipts:
        if receipt.position <= cut and receipt.trigger_id not in triggers:
            yield f"trigger {receipt.trigger_id} is missing"
        elif receipt.position <= cut and not receipt.deliveries <= states.keys():
            yield f"trigger {receipt.trigger_id} has lost deliveries"
    for position, delivery_id in ledger.ended:
        if position <= cut and states.get(delivery_id) not in _FINAL:
            yield f"delivery {delivery_id} had ended and is {states.get(delivery_id)}"


def cuts_of(ledger: Ledger, end: int, count: int, chance: random.Random) -> list[int]:
    """Where the power goes: half at the moments of a receipt, the most demanding ones, the rest anywhere."""
    receipts = [receipt.position for receipt in ledger.receipts] or [end]
    return [chance.choice(receipts) if number % 2 else chance.randrange(end + 1) for number in range(count)]


def survey(recording: Path, cuts: list[int], ledger: Ledger, folder: Path, seed: int) -> list[str]:
    """The faults of one image a cut; `folder` is where each is put in its turn."""
    chance = random.Random(seed)
    found = []
    for cut, files in images(recording, cuts, chance):
        wrong = faults(put(folder / "image", files, chance), cut, ledger)
        found += [f"seed {seed}, cut at {cut}: {fault}" for fault in wrong]
    return found
