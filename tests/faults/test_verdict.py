"""The verdict by itself: a run in which all went well is clean, and each way to break the promise has its name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.faults.ledger import Entry, Sight
from tests.faults.verdict import Evidence, Stored, judge

SHOWN = ("pending", "sent", "received", "shown")
RETRIED = ("pending", "sent", "pending", "sent", "shown")
DEAD = ("pending", "sent", "dead")


def accepted(trigger: str, *screens: str, target: str | None = None, **more: Any) -> Entry:
    deliveries = tuple(f"{trigger}:{screen}" for screen in screens)
    return Entry(
        "accepted", trigger, "ORD-1", target or screens[0], "latest", "http", 0.0, deliveries=deliveries, **more
    )


def kept(trigger: str, seq: int, state: str = "shown", screen: str = "A", **more: Any) -> Stored:
    final = state in {"shown", "superseded", "dead"}
    path = {"shown": SHOWN, "dead": DEAD}.get(state, ("pending", state))
    made = Stored(seq, trigger, screen, 0, "latest", seq, state, final, state == "dead", 1, 1, None, path)
    return replace(made, **more)


def sight(kind: Any, trigger: str, seq: int = 0, screen: str = "A", **more: Any) -> Sight:
    return Sight(kind, screen, f"{trigger}:{screen}", 0, 1, seq, **more)


def evidence(**more: Any) -> Evidence:
    """Three triggers for screen A: shown, shown after a retry, dead for good; one for B, which is away, still open."""
    sights = [sight(kind, trigger, seq) for trigger, seq in (("1", 1), ("2", 2)) for kind in ("sent", "showed")]
    whole = Evidence(
        entries=[accepted("1", "A"), accepted("2", "A"), accepted("3", "A"), accepted("4", "B")],
        sights=[*sights, sight("sent", "3", 3), sight("told", "1", state="shown"), sight("told", "3", state="dead")],
        stored=[
            kept("1", 1),
            kept("2", 2, path=RETRIED),
            kept("3", 3, "dead", code="DOCUMENT_URL_REFUSED"),
            kept("4", 4, "pending", screen="B"),
        ],
        reach=lambda target: {"A", "B"} if target == "*" else {target},
        away={"B"},
        answered={"1:A": "shown"},
        letters={"3:A"},
    )
    return replace(whole, **more)


def kinds(found: Evidence) -> set[str]:
    return set(judge(found).kinds)


def changed(found: list[Any], index: int, **members: Any) -> list[Any]:
    return [replace(item, **members) if number == index else item for number, item in enumerate(found)]


def test_a_run_in_which_all_went_well_is_clean() -> None:
    verdict = judge(evidence())
    assert not verdict.violations
    assert (verdict.accepted, verdict.retried) == (4, 1)
    assert verdict.figures["recoveryRate"] == "100.00 % (1 of 1)"
    assert {name: verdict.figures[name] for name in ("shown", "dead", "open", "superseded")} == {
        "shown": 2,
        "dead": 1,
        "open": 1,
        "superseded": 0,
    }


def test_what_is_sent_again_and_restored_is_counted_and_no_fault() -> None:
    sound = evidence()
    again = [sight("sent", "3", 3), sight("sent", "1", 1, restored=True), sight("showed", "1", 1, restored=True)]
    verdict = judge(replace(sound, sights=[*sound.sights, *again]))
    assert not verdict.violations
    assert (verdict.figures["of these sent again"], verdict.figures["restored"]) == (1, 1)


SOUND = evidence()
BROKEN: dict[str, Evidence] = {
    "lost": replace(SOUND, stored=SOUND.stored[1:]),
    "partial": replace(SOUND, entries=[*SOUND.entries[:3], accepted("4", "B", "A", target="*")]),
    "unasked": replace(SOUND, stored=[*SOUND.stored, kept("9", 9, "superseded")]),
    "accepted-twice": replace(SOUND, entries=[*SOUND.entries, accepted("1", "A", again=True)]),
    "refused": replace(
        SOUND, entries=[*SOUND.entries, Entry("refused", "5", "O", "A", "latest", "http", 0, code="NO")]
    ),
    "resend-refused": replace(
        SOUND, entries=[*SOUND.entries, Entry("refused", "1", "O", "A", "latest", "ws", 0, True, code="QUEUE_FULL")]
    ),
    "stuck": replace(SOUND, away=set()),
    "torn": replace(SOUND, stored=changed(SOUND.stored, 0, final=False)),
    "end-forgotten": replace(SOUND, sights=[*SOUND.sights, sight("told", "1", state="superseded")]),
    "dead-unlisted": replace(SOUND, letters=set()),
    "dead-without-code": replace(SOUND, stored=changed(SOUND.stored, 2, code=None)),
    "dead-without-history": replace(SOUND, stored=changed(SOUND.stored, 2, path=())),
    "epoch-changed": replace(SOUND, sights=[Sight("epoch", "A", state="x"), Sight("epoch", "A", state="y")]),
    "stale-sent": replace(SOUND, sights=[*SOUND.sights, sight("sent", "1", 1)]),
    "stale-shown": replace(SOUND, sights=[SOUND.sights[3], SOUND.sights[1]]),
    "shown-twice": replace(SOUND, sights=[*SOUND.sights, SOUND.sights[3]]),
    "shown-unseen": replace(SOUND, sights=SOUND.sights[2:]),
    "received-unseen": replace(SOUND, stored=changed(SOUND.stored, 3, state="received", final=True)),
    "api-differs": replace(SOUND, answered={"1:A": "superseded"}),
    "recovery": replace(SOUND, stored=changed(SOUND.stored, 2, code="RETRIES_EXHAUSTED")),
    "integrity": replace(SOUND, integrity="row 3 missing from index"),
}


@pytest.mark.parametrize("kind", sorted(BROKEN))
def test_every_broken_promise_has_its_name(kind: str) -> None:
    assert kind in kinds(BROKEN[kind])


def test_a_busy_appliance_may_refuse_what_it_has_not_accepted() -> None:
    busy = Entry("refused", "5", "O", "A", "latest", "http", 0, code="QUEUE_FULL")
    assert not judge(replace(SOUND, entries=[*SOUND.entries, busy])).violations


def test_a_queue_may_be_sent_again_after_a_crash_and_a_latest_one_may_not() -> None:
    again = replace(SOUND, sights=[*SOUND.sights, sight("sent", "1", 1)])
    assert kinds(again) == {"stale-sent"}
    assert not kinds(replace(again, stored=changed(again.stored, 0, mode="queue")))
