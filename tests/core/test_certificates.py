"""When a certificate is due, for which names, and what the local CA may vouch for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from appliance.core import certificates as rules
from appliance.core.certificates import Span

NOW = datetime(2027, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
STOPPED = datetime(2000, 1, 1, tzinfo=UTC)


def span(begins: float, ends: float) -> Span:
    return Span(NOW + begins * DAY, NOW + ends * DAY)


@pytest.mark.parametrize(
    ("good", "stated", "wanted", "due"),
    [
        (span(-1, 396), "a b", "a b", False),
        (span(-366, 31), "a", "a", False),
        (span(-368, 29), "a", "a", True),
        (span(-400, -3), "a", "a", True),
        (span(2, 399), "a", "a", True),  # made while the clock was ahead
        (span(-1, 396), "a", "a b", True),
        (span(-1, 396), "a b", "a", False),  # a cable pulled for a moment
        (span(-1, 396), "a", "b", True),
    ],
)
def test_a_server_certificate_is_due_near_its_end_and_for_a_new_name(
    good: Span, stated: str, wanted: str, due: bool
) -> None:
    assert rules.server_is_due(NOW, good, frozenset(stated.split()), frozenset(wanted.split())) is due


def test_a_clock_that_has_stopped_renews_nothing_and_dates_nothing() -> None:
    names = frozenset({"a"})
    assert not rules.server_is_due(STOPPED, span(-1, 396), names, names)
    assert not rules.authority_is_due(STOPPED, span(-1, 3000))
    assert rules.server_is_due(STOPPED, span(-1, 396), names, names | {"b"}), "a new address can't wait"
    assert rules.issuing_time(STOPPED) == rules.CLOCK_STOPPED
    assert rules.issuing_time(NOW) == NOW


def test_the_authority_is_renewed_while_it_still_outlives_what_it_signs() -> None:
    assert rules.AUTHORITY_RENEWED > rules.SERVER_LIFE
    assert not rules.authority_is_due(NOW, span(-1000, 401))
    assert rules.authority_is_due(NOW, span(-1000, 399))
    assert rules.authority_is_due(NOW, span(3, 3000))


def test_names_are_written_as_certificates_have_them() -> None:
    given = ["VOOSTER.local.", "[::1]", " 10.0.0.9 ", "공장.example", "a b", "", "-x", "*.evil", "x" * 300]
    assert rules.clean(given) == {"vooster.local", "::1", "10.0.0.9", "xn--ob0b391c.example"}


@pytest.mark.parametrize(
    ("name", "may"),
    [
        ("192.168.0.9", True),
        ("172.31.0.1", True),
        ("172.32.0.1", False),
        ("8.8.8.8", False),
        ("fd00::1", True),
        ("vooster.local", True),
        ("localhost", True),
        ("evillocal", False),
        ("bank.example", False),
        ("vooster.local.bank.example", False),
    ],
)
def test_the_local_authority_may_vouch_for_the_lan_alone(name: str, may: bool) -> None:
    assert rules.is_permitted(name, rules.NETWORKS, rules.DOMAINS) is may


def test_a_wildcard_stands_for_one_label() -> None:
    stated = {"*.factory.example", "10.0.0.1"}
    assert rules.covers(stated, "orders.factory.example")
    assert rules.covers(stated, "10.0.0.1")
    assert not rules.covers(stated, "a.orders.factory.example")
    assert not rules.covers(stated, "factory.example")
    assert not rules.covers({"*.0.0.1"}, "10.0.0.1")


def test_fingerprints_are_grouped_for_the_eye() -> None:
    assert rules.grouped(bytes(range(1, 7))) == "0102 0304 0506"
