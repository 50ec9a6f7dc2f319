"""Thousands of attempts to get at what isn't one's own, against one running appliance over real sockets: none succeeds.

Each family says how many of them there were. Its rightful forms are let in, so that it isn't the client that fails.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from appliance.core.permissions import CALLS
from tests.corpus import addresses, csrf, expectations, fetching, hosts, jwts, origins, paths, roles, yard
from tests.corpus.cases import Case, Family
from tests.corpus.estate import VALUES, Estate, cheap_passwords, settle
from tests.corpus.wires import Wires
from tests.support.house import opened

LEAST: Final = 3_000
TOGETHER: Final = 100
"""Cases between two looks at what is stored."""

FAMILIES: Final = (
    Family("jwt", jwts.cases),
    Family("host", hosts.cases),
    Family("origin", origins.cases),
    Family("csrf", csrf.cases),
    Family("url", addresses.cases),
    Family("path", paths.cases),
    Family("ssrf", fetching.cases),
    Family("role", roles.cases, ("401", "403", "trigger:error PERM", "error")),
)


@dataclass
class Tally:
    """What came of a family's cases; `faults` are those that went otherwise than they should."""

    family: str
    refused: int = 0
    accepted: int = 0
    let_in: int = 0
    controls: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def cases(self) -> int:
        return self.refused + self.accepted

    def __str__(self) -> str:
        return f"{self.family:8}{self.cases:7}{self.refused:9}{self.accepted:10}{self.let_in:9} of {self.controls}"


@pytest.fixture
async def estate(tmp_path: Path) -> AsyncIterator[Estate]:
    """A settled one; at its end no traceback may have been logged."""
    with cheap_passwords():
        async with yard.opened() as place, opened(tmp_path, VALUES) as house:
            yield await settle(house, place)


@pytest.mark.timeout(180)
async def test_none_of_them_is_accepted(estate: Estate, capsys: pytest.CaptureFixture[str]) -> None:
    wires, secrets = Wires(estate.port), estate.secrets()
    tallies = []
    for family in FAMILIES:
        cases = list(family.generate(estate))
        tally = Tally(family.name)
        names = Counter(case.name for case in cases)
        tally.faults += [f"{family.name}: {name}: {times} times" for name, times in names.items() if times > 1]
        assert [case.name for case in family.generate(estate)] == [case.name for case in cases], (
            "no run is like another"
        )
        tallies.append(tally)
        attempts = [case for case in cases if case.refusals]
        for at in range(0, len(attempts), TOGETHER):
            await _all_refused(estate, wires, family, attempts[at : at + TOGETHER], tally, secrets)
        for case in cases:
            if not case.refusals:
                await _let_in(wires, family, case, tally)
    await wires.close()
    heading = f"{'family':8}{'cases':>7}{'refused':>9}{'accepted':>10}{'rightful, let in':>20}"
    total = sum(tally.cases for tally in tallies)
    refusals, accepted = sum(tally.refused for tally in tallies), sum(tally.accepted for tally in tallies)
    with capsys.disabled():
        print("\n" + "\n".join([heading, *map(str, tallies), f"{'all':8}{total:7}{refusals:9}{accepted:10}"]))
    faults = [fault for tally in tallies for fault in tally.faults]
    assert not faults, f"{len(faults)} went otherwise:\n" + "\n".join(faults[:100])
    assert total >= LEAST
    assert not accepted
    assert all(tally.let_in == tally.controls > 0 for tally in tallies)


async def _outcome(wires: Wires, case: Case) -> str:
    wires.heard.clear()
    try:
        return await case.attempt(wires)
    except (TimeoutError, OSError, EOFError) as error:
        await wires.close()  # a late answer would be taken for the next one's
        return f"no answer, {type(error).__name__}"


async def _all_refused(
    estate: Estate, wires: Wires, family: Family, cases: list[Case], tally: Tally, secrets: list[bytes]
) -> None:
    """Tries them, and looks whether anything is different then."""
    before = await estate.fingerprint()
    for case in cases:
        outcome = await _outcome(wires, case)
        if outcome in case.refusals or outcome.startswith(family.turned_away):
            tally.refused += 1
        else:
            tally.accepted += 1
        if outcome not in case.refusals:
            tally.faults.append(f"{family.name}: {case.name}: {outcome}, not {' or '.join(sorted(case.refusals))}")
        leaks = [secret for secret in (*secrets, *(word.encode() for word in case.hidden)) if secret in wires.heard]
        if leaks or b"Traceback" in wires.heard:
            tally.faults.append(f"{family.name}: {case.name}: the answer holds {leaks or 'a traceback'}")
        head = b"" if outcome.startswith("44") else bytes(wires.heard).lower()  # refused after the handshake
        for name in (b"\r\nset-cookie:", b"\r\naccess-control-allow-origin:"):
            if name in head:
                tally.faults.append(f"{family.name}: {case.name}: the refusal has {name.strip().decode()}")
    after = await estate.fingerprint()
    changed = [name for name, rows in before.items() if rows != after[name]]
    if changed:
        tally.faults.append(f"{family.name}: {changed} changed between {cases[0].name!r} and {cases[-1].name!r}")


async def _let_in(wires: Wires, family: Family, case: Case, tally: Tally) -> None:
    tally.controls += 1
    outcome = await _outcome(wires, case)
    leaks = [word for word in case.hidden if word.encode() in wires.heard]
    if outcome.startswith(family.turned_away) or leaks:
        tally.faults.append(f"{family.name}: {case.name}: {outcome}, but it is rightful; it holds {leaks}")
    else:
        tally.let_in += 1


def test_every_call_has_an_expectation_of_its_own() -> None:
    thought_of = {*expectations.CALLERS, *expectations.PROOFS, ("GET", "/metrics")}
    for_all = {*expectations.OPEN, *expectations.OPEN_POSTS}
    missing = [call for call in CALLS if call not in thought_of and call[1] not in for_all]
    assert not missing, "write down who may, from the contract"
    assert not thought_of - set(CALLS), "these calls are no more"
