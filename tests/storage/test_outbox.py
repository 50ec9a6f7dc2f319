"""The outbox: what is read to be changed is what was last known of it, however late the reader gets its turn."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from appliance.core.delivery import Delivery, HistoryEntry, State
from appliance.storage.database import Database
from appliance.storage.files import prepare
from appliance.storage.outbox import Outbox
from appliance.storage.rows import TriggerRecord


@pytest.fixture
async def outbox(tmp_path: Path) -> AsyncIterator[Outbox]:
    prepare(tmp_path / "vooster.db")
    database = Database(tmp_path / "vooster.db")
    await database.open()
    outbox = Outbox(database)
    await outbox.start()
    try:
        yield outbox
    finally:
        await database.close()


async def accepted(outbox: Outbox) -> Delivery:
    """A delivery on disk, on its way to a screen."""
    pk, trigger_id = outbox.next_seq(), str(uuid.uuid4())
    record = TriggerRecord(
        pk=pk, id=trigger_id, sender="key:erp", order_id="ORD-1001", target="screen:S-1", display_index=None, url=None,
        title=None, mode="latest", ttl_ms=600_000, nonce=None, accepted_at=1,
    )  # fmt: skip
    delivery = Delivery(
        pk=pk, trigger_pk=pk, trigger_id=trigger_id, sender="key:erp", order_id="ORD-1001", target="screen:S-1",
        screen_id="S-1", display_index=0, mode="latest", seq=pk, accepted_at=1, ttl_ms=600_000, expires_at=600_001,
        state=State.SENT, history=[HistoryEntry(at=1, state="sent", round=1, attempt=1)],
    )  # fmt: skip
    done = asyncio.get_running_loop().create_future()
    outbox.accept([(record, [delivery])], lambda results, _refusal: done.set_result(results))
    assert [each.duplicate for each in await done] == [False]
    return delivery


async def test_a_change_that_is_committed_before_the_reader_gets_its_turn_is_not_undone(outbox: Outbox) -> None:
    delivery = await accepted(outbox)
    late = asyncio.create_task(outbox.ended(delivery.trigger_id, "S-1"))  # a word of its screen, about to be judged
    await asyncio.sleep(0)

    delivery.state, delivery.final = State.SUPERSEDED, True
    outbox.mark(delivery)
    whole = asyncio.create_task(outbox.of_trigger(delivery.trigger_id))
    await asyncio.sleep(0)
    time.sleep(0.3)  # noqa: ASYNC251 - the loop is busy while the writer's thread commits the read and the change

    found = await late
    assert found is not None
    assert found[0].state is State.SUPERSEDED
    assert (await whole)[0].state is State.SUPERSEDED
