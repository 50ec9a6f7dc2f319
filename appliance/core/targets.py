"""Which screens a target means, resolved once, when the trigger is accepted."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from appliance.core.screens import Screen
from appliance.core.triggers import PERMISSIONS

_RANK = {name: rank for rank, name in enumerate(PERMISSIONS)}


def matches(target: str, screen: Screen) -> bool:
    """Whether `target` (`screen:ID`, `screen:PREFIX*`, `group:NAME`, `user:NAME`, `*`) names `screen`."""
    if target == "*":
        return True
    kind, _, name = target.partition(":")
    if kind == "screen":
        return screen.screen_id.startswith(name[:-1]) if name.endswith("*") else screen.screen_id == name
    if kind == "group":
        return name in screen.groups
    return kind == "user" and screen.user == name


def in_scope(
    screen_id: str, lines: Collection[str], screens: frozenset[str] | None, groups: frozenset[str] | None
) -> bool:
    """Whether a credential limited to these screens and groups reaches a screen with these lines; None for both is no
    limit."""
    if screens is None and groups is None:
        return True
    return (screens is not None and screen_id in screens) or (groups is not None and not groups.isdisjoint(lines))


def resolve(target: str, screens: Iterable[Screen], required_permission: str | None) -> list[Screen]:
    """The screens meant, by id; `required_permission` keeps only those whose permission is at least that."""
    least = _RANK[required_permission] if required_permission else 0
    found = [s for s in screens if matches(target, s) and _RANK.get(s.permission, 0) >= least]
    return sorted(found, key=lambda screen: screen.screen_id)
