"""Compares what was promised and seen outside with what the appliance kept: a function of its evidence, no more.

The promise: accepted = shown ∪ received ∪ superseded ∪ dead, with a code and its history ∪ open, where only a screen
that is away may have anything open in the end; nothing older is sent after something newer of its lane; the appliance
never says "shown" of what no monitor has shown, and never takes back an end that it has told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.faults.ledger import Entry, Sight

LEAST_RECOVERY = 95.0
BUSY = frozenset({"QUEUE_FULL", "RATE_LIMITED", "SHUTTING_DOWN", "STORAGE_UNAVAILABLE"})
"""Refusals of a first request that promise nothing and lose nothing."""
NO_RETRY_HELPS = frozenset(
    {"DISPLAY_PERMISSION_DENIED", "DOCUMENT_URL_REFUSED", "DOCUMENT_NOT_FRAMEABLE", "DOCUMENT_TYPE_UNSUPPORTED"}
)
STALE = {"sent": "stale-sent", "showed": "stale-shown"}
OPEN = frozenset({"awaitingOrder", "pending", "sent", "received"})


@dataclass(frozen=True, slots=True)
class Stored:
    """A delivery as the data file has it; `pk` is its place in the order of acceptance, whatever its `seq` became."""

    pk: int
    trigger: str
    screen: str
    display: int
    mode: str
    seq: int
    state: str
    final: bool
    listed: bool
    round: int
    attempt: int
    code: str | None
    path: tuple[str, ...]
    """The states it went through, by its history."""

    @property
    def id(self) -> str:
        return f"{self.trigger}:{self.screen}"

    @property
    def retried(self) -> bool:
        """Whether it was on its way and had to be put back, for whatever reason."""
        return ("sent" in self.path and "pending" in self.path[self.path.index("sent") :]) or self.round > 1


@dataclass
class Evidence:
    """All that was found in the end. `reach` gives the screens a target means; `away` never came back."""

    entries: list[Entry]
    sights: list[Sight]
    stored: list[Stored]
    reach: Callable[[str], set[str]]
    away: set[str]
    answered: dict[str, str] = field(default_factory=dict)
    """What the API said of deliveries before the end: id to state."""
    letters: set[str] = field(default_factory=set)
    """Ids on the dead-letter list, as the API gave it."""
    integrity: str = "ok"


@dataclass(frozen=True, slots=True)
class Violation:
    kind: str
    what: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.what}"


@dataclass
class Verdict:
    violations: list[Violation]
    figures: dict[str, Any]
    accepted: int = 0
    """Triggers."""
    retried: int = 0
    """Deliveries that needed a retry."""
    bites: int = 0
    """How often the fault that was put in came into play."""

    @property
    def kinds(self) -> Counter[str]:
        return Counter(violation.kind for violation in self.violations)

    def table(self) -> str:
        """Figures and, where there are any, the violations: the first few of each kind."""
        lines = [f"  {name:<24} {value}" for name, value in self.figures.items()]
        for kind, count in sorted(self.kinds.items()):
            lines.append(f"  !! {kind} × {count}")
            lines += [f"       {v.what}" for v in [v for v in self.violations if v.kind == kind][:3]]
        return "\n".join(lines)


def judge(evidence: Evidence) -> Verdict:
    """Every violation of the promise, and the figures."""
    stored = {delivery.id: delivery for delivery in evidence.stored}
    checks = (
        _kept(evidence, stored),
        _whole(evidence),
        _answers(evidence.entries),
        _ends(evidence, stored),
        _letters(evidence),
        _sights(evidence, stored),
        _agreement(evidence, stored),
    )
    found = [violation for check in checks for violation in check]
    accepted = {entry.trigger for entry in evidence.entries if entry.kind == "accepted"}
    needed = _needed(evidence.stored)
    recovered = sum(delivery.state in {"shown", "received"} for delivery in needed)
    rate = 100.0 * recovered / len(needed) if needed else 100.0
    if rate < LEAST_RECOVERY:
        found.append(Violation("recovery", f"{rate:.1f} % of what needed a retry was shown without a person"))
    if evidence.integrity != "ok":
        found.append(Violation("integrity", evidence.integrity))
    figures = {
        **_figures(evidence, accepted),
        "needed a retry": len(needed),
        "recoveryRate": f"{rate:.2f} % ({recovered} of {len(needed)})",
    }
    return Verdict(found, figures, len(accepted), len(needed))


def _kept(evidence: Evidence, stored: dict[str, Stored]) -> Iterator[Violation]:
    """What was accepted is there."""
    promised = {delivery for entry in evidence.entries if entry.kind == "accepted" for delivery in entry.deliveries}
    for delivery in sorted(promised - stored.keys()):
        yield Violation("lost", delivery)


def _whole(evidence: Evidence) -> Iterator[Violation]:
    """A broadcast is kept for all of its screens or for none, whether or not its answer arrived."""
    target = {entry.trigger: entry.target for entry in evidence.entries}
    kept: dict[str, set[str]] = {}
    for delivery in evidence.stored:
        kept.setdefault(delivery.trigger, set()).add(delivery.screen)
    for trigger, screens in kept.items():
        if trigger not in target:
            yield Violation("unasked", f"{trigger} was never sent")
        elif screens != evidence.reach(target[trigger]):
            missing = evidence.reach(target[trigger]) ^ screens
            yield Violation("partial", f"{trigger} for {target[trigger]}: not for {sorted(missing)}")


def _answers(entries: list[Entry]) -> Iterator[Violation]:
    """A repeat is neither refused nor accepted a second time."""
    known: set[str] = set()
    for entry in entries:
        if entry.kind == "accepted":
            if entry.trigger in known and not entry.duplicate:
                yield Violation("accepted-twice", f"{entry.trigger} over {entry.via}")
            known.add(entry.trigger)
        elif entry.kind == "refused" and (entry.trigger in known or entry.code not in BUSY):
            kind = "resend-refused" if entry.again else "refused"
            yield Violation(kind, f"{entry.trigger} over {entry.via}: {entry.code}")


def _ends(evidence: Evidence, stored: dict[str, Stored]) -> Iterator[Violation]:
    """Whatever could end has ended, and stayed as it was told."""
    for delivery in stored.values():
        if (delivery.state in OPEN) == delivery.final and delivery.state != "received":
            yield Violation("torn", f"{delivery.id} is {delivery.state}, final: {delivery.final}")
        if not delivery.final and delivery.screen not in evidence.away:
            yield Violation("stuck", f"{delivery.id} is still {delivery.state} in attempt {delivery.attempt}")
    for sight in evidence.sights:
        if sight.kind != "told" or sight.delivery not in stored:
            continue
        now = stored[sight.delivery].state
        if sight.state != "dead" and now != sight.state:
            yield Violation("end-forgotten", f"{sight.delivery} was told to be {sight.state} and is {now}")


def _letters(evidence: Evidence) -> Iterator[Violation]:
    """Everything dead is on the list, with a code and with what led to it."""
    for delivery in evidence.stored:
        if delivery.state != "dead":
            continue
        if not delivery.listed or delivery.id not in evidence.letters:
            yield Violation("dead-unlisted", f"{delivery.id} {delivery.code}")
        if not delivery.code:
            yield Violation("dead-without-code", delivery.id)
        if delivery.path[:1] not in (("pending",), ("awaitingOrder",), ("dead",)) or "dead" not in delivery.path:
            yield Violation("dead-without-history", f"{delivery.id}: {delivery.path}")


def _sights(evidence: Evidence, stored: dict[str, Stored]) -> Iterator[Violation]:
    """No (id, round) twice on a monitor, and nothing of mode `latest` after what was accepted later for its lane;
    restores aside. Of mode `queue`, one whose end was not on disk yet may come once more after a crash, and its client
    knows it."""
    showed: set[tuple[str, int]] = set()
    newest: dict[tuple[str, str, int], Stored] = {}
    epochs = {sight.state for sight in evidence.sights if sight.kind == "epoch"}
    if len(epochs) > 1:
        yield Violation("epoch-changed", f"{sorted(epochs)} though nothing was replaced")
    for sight in evidence.sights:
        if sight.kind not in {"sent", "showed"} or sight.restored:
            continue
        if sight.kind == "showed":
            if (sight.delivery, sight.round) in showed:
                yield Violation("shown-twice", f"{sight.delivery} round {sight.round}")
            showed.add((sight.delivery, sight.round))
        kept = stored.get(sight.delivery)
        if kept is None:
            continue  # lost, and told as that
        lane = (sight.kind, sight.who, sight.display)
        before = newest.setdefault(lane, kept)
        if kept.pk > before.pk:
            newest[lane] = kept
        elif kept.pk < before.pk and kept.mode == "latest":
            yield Violation(STALE[sight.kind], f"{kept.id} after {before.id}")


def _agreement(evidence: Evidence, stored: dict[str, Stored]) -> Iterator[Violation]:
    """What the appliance calls shown or received is what a screen saw; the API and the file say the same."""
    showed = {(sight.who, sight.delivery) for sight in evidence.sights if sight.kind == "showed"}
    held = {(sight.who, sight.delivery) for sight in evidence.sights if sight.kind == "held"}
    for delivery in stored.values():
        if delivery.state == "shown" and (delivery.screen, delivery.id) not in showed:
            yield Violation("shown-unseen", f"no monitor has shown {delivery.id}")
        if delivery.state == "received" and delivery.final and (delivery.screen, delivery.id) not in held:
            yield Violation("received-unseen", f"no client holds {delivery.id}")
    for delivery_id, state in evidence.answered.items():
        found = stored.get(delivery_id)
        if found is not None and found.state != state:
            yield Violation("api-differs", f"{delivery_id}: {state} by the API, {found.state} in the file")


def _needed(stored: list[Stored]) -> list[Stored]:
    """What `recoveryRate` counts: the deliveries that had been on their way and were put back (time-out, lost session,
    crash, a temporary failure, a new round) or given up instead, and that ended shown, received or dead. Recovered are
    those shown or received. Superseded ones and those a client refused for good are on neither side."""
    needed = [d for d in stored if d.retried or d.code == "RETRIES_EXHAUSTED"]
    needed = [d for d in needed if d.final and d.state != "superseded"]
    return [d for d in needed if not (d.state == "dead" and d.code in NO_RETRY_HELPS)]


def _figures(evidence: Evidence, accepted: set[str]) -> dict[str, Any]:
    states = Counter(delivery.state if delivery.final else "open" for delivery in evidence.stored)
    codes = Counter(delivery.code for delivery in evidence.stored if delivery.state == "dead")
    sent = Counter((s.who, s.delivery, s.round) for s in evidence.sights if s.kind == "sent" and not s.restored)
    return {
        "accepted triggers": len(accepted),
        "accepted deliveries": sum(d.trigger in accepted for d in evidence.stored),
        "answers lost": sum(entry.kind == "unknown" for entry in evidence.entries),
        "repeats, all answered": sum(entry.again and entry.kind == "accepted" for entry in evidence.entries),
        **{name: states[name] for name in ("shown", "received", "superseded", "dead", "open")},
        "dead by code": dict(codes),
        "sent on the wire": sum(sent.values()),
        "of these sent again": sum(sent.values()) - len(sent),
        "restored": sum(s.kind == "sent" and s.restored for s in evidence.sights),
    }
