from __future__ import annotations

import pytest

from appliance.adapters.mdns.conflicts import Claim, Contest, Renames, Verdict

LOW, HIGH = Claim(frozenset({"10.0.0.2"}), 8480), Claim(frozenset({"10.0.0.10"}), 8480)


def test_the_lower_address_keeps_the_name_as_a_number_not_as_text() -> None:
    assert LOW.rank < HIGH.rank
    assert Contest().judge(LOW, HIGH, appliance=True, now=0) is Verdict.DEFEND
    assert Contest().judge(HIGH, LOW, appliance=True, now=0) is Verdict.RENAME


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Claim(frozenset({"10.0.0.10"}), 8480), Claim(frozenset({"10.0.0.10"}), 8481)),
        (Claim(frozenset({"10.0.0.9", "10.0.0.3"})), Claim(frozenset({"10.0.0.4"}))),
        (Claim(frozenset({"192.168.0.1"})), Claim(frozenset({"fd00::1"}))),
        (Claim(frozenset({"fd00::1"})), Claim(frozenset())),
    ],
    ids=["port on one machine", "its lowest counts", "IPv4 first", "no address last"],
)
def test_rank(one: Claim, other: Claim) -> None:
    assert one.rank < other.rank


def test_a_stranger_is_told_once_and_then_left_the_name() -> None:
    contest = Contest()
    assert contest.judge(LOW, HIGH, appliance=False, now=10.0) is Verdict.DEFEND
    assert contest.judge(LOW, HIGH, appliance=False, now=10.5) is Verdict.WAIT
    assert contest.judge(LOW, HIGH, appliance=False, now=11.1) is Verdict.RENAME


def test_a_stranger_that_gave_way_may_be_told_again_later() -> None:
    contest = Contest()
    assert contest.judge(LOW, HIGH, appliance=False, now=10.0) is Verdict.DEFEND
    assert contest.judge(LOW, HIGH, appliance=False, now=80.0) is Verdict.DEFEND


def test_an_appliance_that_never_gives_way_gets_the_name_in_the_end() -> None:
    contest = Contest()
    verdicts = [contest.judge(LOW, HIGH, appliance=True, now=float(2 * number)) for number in range(6)]
    assert verdicts == [Verdict.DEFEND] * 5 + [Verdict.RENAME]


def test_whoever_claims_every_name_gets_a_pause() -> None:
    renames = Renames()
    assert [renames.may(float(second)) for second in range(12)] == [True] * 10 + [False] * 2
    assert renames.may(61.0)
