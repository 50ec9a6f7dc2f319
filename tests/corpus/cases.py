"""What a case of the corpus is: a name that says what is tried, the attempt, and the refusals that are right for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from tests.corpus.estate import Estate
from tests.corpus.wires import Wires

Attempt = Callable[[Wires], Awaitable[str]]
"""Does it, and tells what came of it in a word or two: `401 TOKEN_INVALID`, `200`, `welcome`."""


@dataclass(frozen=True, slots=True)
class Case:
    """One attempt. `refusals` are the outcomes that are right; without any it is the rightful form of its family, and
    has to be let in. `hidden` are words that the answer must not hold, beside every credential."""

    name: str
    attempt: Attempt
    refusals: frozenset[str] = frozenset()
    hidden: tuple[str, ...] = ()


class Family(NamedTuple):
    """Cases about one thing. Whatever an answer begins with that isn't in `turned_away` was an acceptance."""

    name: str
    generate: Callable[[Estate], Iterator[Case]]
    turned_away: tuple[str, ...] = ("4", "5", "connect_error", "trigger:error", "refused")


def refused(name: str, attempt: Attempt, *refusals: str) -> Case:
    """A case that has to come to one of these ends."""
    assert refusals
    return Case(name, attempt, frozenset(refusals))


def control(name: str, attempt: Attempt, hidden: Iterable[str] = ()) -> Case:
    """The rightful form, which has to be let in."""
    return Case(name, attempt, hidden=tuple(hidden))
