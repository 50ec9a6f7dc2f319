"""The model of a disk: what was synced stays, and whatever else a power cut may leave does come up."""

from __future__ import annotations

import random
from collections import Counter

from tests.power.images import PAGE, SECTOR, Disk, File, Op, Record

ROUNDS = 300


def contents(file: File) -> Counter[bytes]:
    chance = random.Random(1)
    return Counter(file.crashed(chance) for _ in range(ROUNDS))


def test_what_was_synced_is_always_there() -> None:
    file = File()
    file.write(0, b"old" * 500)
    file.sync()
    assert set(contents(file)) == {b"old" * 500}


def test_every_sector_is_at_any_of_its_versions() -> None:
    file = File()
    file.write(0, b"a" * SECTOR * 2)
    file.sync()
    file.write(0, b"b" * SECTOR * 2)
    file.write(SECTOR, b"c" * SECTOR)
    found = {content[:1] + content[SECTOR : SECTOR + 1] for content in contents(file)}
    assert found == {b"aa", b"ab", b"ac", b"ba", b"bb", b"bc"}


def test_a_length_may_be_kept_without_what_was_written() -> None:
    file = File()
    file.write(0, b"a" * SECTOR)
    file.sync()
    file.write(SECTOR, b"b" * SECTOR)
    found = contents(file)
    assert {b"a" * SECTOR, b"a" * SECTOR + b"b" * SECTOR, b"a" * SECTOR + bytes(SECTOR)} < set(found)
    file.truncate(10)
    assert b"a" * 10 in contents(file)


def test_a_failed_sync_drops_for_good_until_the_page_is_written_again() -> None:
    lost = 0
    for seed in range(20):
        file = File()
        file.write(0, b"a" * PAGE * 2)
        file.fail_sync(random.Random(seed))
        file.sync()  # says it is fine, and has nothing left to write
        (content,) = contents(file)
        lost += content != b"a" * PAGE * 2
        file.write(0, b"b")
        file.sync()
        (content,) = contents(file)
        assert content[:PAGE] == b"b" + b"a" * (PAGE - 1)
        assert content[PAGE:] in (b"a" * PAGE, bytes(PAGE))
    assert 0 < lost < 20


def test_names_may_be_missing_until_their_directory_is_synced() -> None:
    disk, chance = Disk(), random.Random(2)

    def names() -> set[frozenset[str]]:
        return {frozenset(disk.crashed(chance)) for _ in range(ROUNDS)}

    disk.apply(Record(1, Op.OPEN, 7, 1, b"new"), chance)
    disk.apply(Record(2, Op.WRITE, 7, 0, b"text"), chance)
    disk.apply(Record(3, Op.SYNC, 7, 0, b""), chance)
    disk.apply(Record(4, Op.RENAME, 0, 0, b"new/file"), chance)
    assert names() == {frozenset(), frozenset({"new"}), frozenset({"file"})}
    disk.apply(Record(5, Op.SYNC_DIR, 1, 0, b""), chance)
    assert [disk.crashed(chance) for _ in range(3)] == [{"file": b"text"}] * 3
    disk.apply(Record(6, Op.UNLINK, 0, 0, b"file"), chance)
    assert names() == {frozenset(), frozenset({"file"})}
