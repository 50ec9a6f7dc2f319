from __future__ import annotations

import pytest

from appliance.adapters.mdns.names import host, instance, instance_label


@pytest.mark.parametrize(
    ("name", "number", "label"),
    [
        ("제1공장", 1, "제1공장"),
        ("제1공장", 2, "제1공장-2"),
        ("가" * 21, 1, "가" * 21),
        ("가" * 22, 1, "가" * 21),
        ("가" * 22, 2, "가" * 20 + "-2"),
        ("a" + "가" * 21, 1, "a" + "가" * 20),
        ("a" * 64, 1, "a" * 63),
        ("Plant 1. Hall\t2\n", 1, "Plant 1 Hall 2"),
        ("", 1, "Vooster"),
        (" . ", 3, "Vooster-3"),
    ],
)
def test_instance_names(name: str, number: int, label: str) -> None:
    assert instance_label(name, number) == label
    assert len(instance_label(name, number).encode()) <= 63


def test_numbers() -> None:
    assert [host(1), host(2), host(11)] == ["vooster.local.", "vooster-2.local.", "vooster-11.local."]
    assert instance("제1공장", 2) == "제1공장-2._vooster._tcp.local."
