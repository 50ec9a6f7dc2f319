from __future__ import annotations

import pytest

from appliance.core.roles import Role, require
from appliance.errors import Problem


def test_each_role_includes_the_ones_before_it() -> None:
    words = ["viewer", "operator", "supervisor", "admin"]
    assert [role.label for role in sorted(Role)] == words
    for held in Role:
        for needed in Role:
            if words.index(held.label) >= words.index(needed.label):
                require(held, needed)
            else:
                with pytest.raises(Problem) as refused:
                    require(held, needed)
                assert refused.value.code == "PERMISSION_DENIED"
                assert needed.label in refused.value.actions()["en"].lower()


@pytest.mark.parametrize("word", ["", "Admin", "root", "ADMIN", "4"])
def test_other_words_are_no_roles(word: str) -> None:
    with pytest.raises(Problem) as refused:
        Role.parse(word)
    assert refused.value.errors[0].field == "role"
