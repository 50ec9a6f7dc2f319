"""Keys that change while the appliance runs, and what a crash in between leaves."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from appliance.errors import Problem
from appliance.relay import secrets
from appliance.relay.keyring import DAY_MS, KEY_MS, MAX_KEYS, Keyring, kept
from appliance.relay.secrets import Secrets, SigningKey
from appliance.relay.tokens import AccessTokens
from appliance.storage.database import Database
from appliance.storage.files import prepare

ACCESS_MS = 900_000


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def young(path: Path, clock: Clock) -> Keyring:
    """One whose only key was made just now."""
    found = secrets.load(path)
    found = msgspec.structs.replace(found, jwt=[secrets.new_signing_key(clock.now)])
    secrets.save(path, found)
    return Keyring(path, found, access_seconds=900, now=clock)


async def test_a_key_signs_for_thirty_days_and_is_then_good_for_what_it_signed(tmp_path: Path, clock: Clock) -> None:
    file = tmp_path / "secrets.json"
    ring = young(file, clock)
    tokens = AccessTokens(ring.present.jwt, instance_id="here", seconds=900, now=clock)
    ring.on_renewed.append(lambda keys: tokens.use(keys.jwt))
    first = ring.present.jwt[0]
    clock.now += KEY_MS - 1
    await ring.tend()
    assert ring.present.jwt == [first]
    last = tokens.make("user", "kim", "g")
    clock.now += 1
    await ring.tend()
    second = ring.present.jwt[0]
    assert [key.kid for key in ring.present.jwt] == [second.kid, first.kid]
    assert secrets.load(file) == ring.present
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert tokens.verify(last).kid == first.kid  # nobody notices
    assert tokens.verify(tokens.make("user", "kim", "g")).kid == second.kid
    clock.now += ACCESS_MS - 1
    await ring.tend()
    assert len(ring.present.jwt) == 2
    clock.now += 1
    await ring.tend()
    assert ring.present.jwt == [second]
    assert secrets.load(file).jwt == [second]
    with pytest.raises(Problem, match="TOKEN_INVALID"):
        tokens.verify(last)


async def test_other_keys_stay_when_the_signing_key_is_renewed(tmp_path: Path, clock: Clock) -> None:
    ring = young(tmp_path / "secrets.json", clock)
    before = ring.present
    clock.now += KEY_MS
    await ring.tend()
    assert ring.present.jwt != before.jwt
    assert msgspec.structs.replace(ring.present, jwt=before.jwt) == before


async def test_a_file_of_an_earlier_version_is_renewed_at_once(tmp_path: Path, clock: Clock) -> None:
    file = tmp_path / "secrets.json"
    found = secrets.load(file)
    secrets.save(file, msgspec.structs.replace(found, jwt=[SigningKey("aa", b"x" * 32)]))
    ring = Keyring(file, secrets.load(file), access_seconds=900, now=clock)
    await ring.tend()
    assert [key.kid for key in ring.present.jwt][1:] == ["aa"]


async def test_a_clock_that_was_years_ahead_leaves_no_key_for_years(tmp_path: Path, clock: Clock) -> None:
    ring = young(tmp_path / "secrets.json", clock)
    clock.now -= 400 * DAY_MS
    await ring.tend()
    assert ring.present.jwt[0].made_at == clock.now
    for _ in range(2 * MAX_KEYS):
        clock.now -= 2 * DAY_MS
        await ring.tend()
    assert len(ring.present.jwt) <= MAX_KEYS


def test_old_keys_stay_exactly_as_long_as_a_token_of_theirs_can_live() -> None:
    new, mid, old = SigningKey("c", b"", 2_000_000), SigningKey("b", b"", 1_500_000), SigningKey("a", b"", 1_000_000)
    assert kept([new, mid, old], 2_000_000, ACCESS_MS) == [new, mid, old]
    assert kept([new, mid, old], 1_500_000 + ACCESS_MS, ACCESS_MS) == [new, mid]
    assert kept([new, mid, old], 2_000_000 + ACCESS_MS, ACCESS_MS) == [new]


async def test_a_crash_while_new_keys_are_written_leaves_the_old_ones(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "secrets.json"
    ring = young(file, clock)
    before = ring.present
    clock.now += KEY_MS

    def fail(_file: object, _target: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(Path, "replace", fail)
        await ring.tend()
    assert ring.present == before
    assert secrets.load(file) == before
    await ring.tend()  # asked again an hour later
    assert ring.present != before
    assert secrets.load(file) == ring.present


def test_what_a_crash_left_half_written_goes_at_the_next_start(tmp_path: Path) -> None:
    file = tmp_path / "secrets.json"
    made = secrets.load(file)
    (tmp_path / ".secrets.json.abc123").write_text('{"jwt":')
    assert secrets.load(file) == made
    assert list(tmp_path.iterdir()) == [file]


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    prepare(tmp_path / "vooster.db")
    opened = Database(tmp_path / "vooster.db")
    await opened.open()
    yield opened
    await opened.close()


async def test_at_a_persons_word_all_that_could_be_signed_with_is_new(
    tmp_path: Path, clock: Clock, database: Database
) -> None:
    ring = young(tmp_path / "secrets.json", clock)
    before, told = ring.present, list[Secrets]()
    ring.on_replaced.append(told.append)
    await ring.replace(database, actor="local:kim")
    now = ring.present
    assert told == [now]
    assert secrets.load(tmp_path / "secrets.json") == now
    assert len(now.jwt) == 1
    pairs = [(now.jwt[0].key, before.jwt[0].key), (now.documents, before.documents)]
    pairs += [(now.cookies, before.cookies), (now.successors, before.successors)]
    assert all(new != old for new, old in pairs)
    rows = await database.read(lambda c: c.execute("SELECT actor, action FROM audit").fetchall())
    assert [tuple(row) for row in rows] == [("local:kim", "keys.rotate")]


async def test_keys_that_cant_be_written_change_nothing(
    tmp_path: Path, clock: Clock, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring = young(tmp_path / "secrets.json", clock)
    before = ring.present

    def fail(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("appliance.relay.secrets.os.fsync", fail)
    with pytest.raises(Problem, match="STORAGE_UNAVAILABLE"):
        await ring.replace(database, actor="local:kim")
    assert ring.present == before
    assert secrets.load(tmp_path / "secrets.json") == before


async def test_two_at_once_are_one_after_the_other(tmp_path: Path, clock: Clock, database: Database) -> None:
    ring = young(tmp_path / "secrets.json", clock)
    clock.now += KEY_MS
    await asyncio.gather(ring.replace(database, actor="local:kim"), ring.tend(), ring.tend())
    assert secrets.load(tmp_path / "secrets.json") == ring.present
    assert len(ring.present.jwt) == 1
