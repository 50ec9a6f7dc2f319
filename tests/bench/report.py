"""How the bench prints what it found: one table a part, each figure beside its control."""

from __future__ import annotations

from collections.abc import Sequence

from tests.bench.servers import Figures

Histogram = dict[float, float]
"""Upper bound in ms to count."""
SHARES = (0.5, 0.95, 0.99)


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]], notes: Sequence[str] = ()) -> None:
    """The first column on the left, all others on the right, each as wide as it has to be."""
    widths = [max(len(row[index]) for row in (head, *rows)) for index in range(len(head))]
    print(f"\n{title}\n")
    for row in (head, *rows):
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        print("  " + "  ".join(cells).rstrip())
    if notes:
        print()
    for note in notes:
        print(f"  {note}")
    print(end="", flush=True)


def ratio(mine: float, other: float) -> str:
    return f"{mine / other:.2f} x" if other else "–"


def beside(words: str, mine: float, other: float, unit: str, goal: str = "") -> list[str]:
    """A row of a table with the columns appliance, control, ratio and goal."""
    return [words, f"{mine:,.2f} {unit}", f"{other:,.2f} {unit}", ratio(mine, other), goal]


def navigated(before: Figures, after: Figures) -> Histogram:
    """The buckets of accepted-to-navigate that were filled in between."""
    found, below = {}, 0.0
    for name, value in after.items():
        if name.startswith("vooster_navigate_seconds_bucket"):
            count = value - before.get(name, 0)
            found[float(name.split('"')[1]) * 1000], below = count - below, count
    return found


def of_histogram(histogram: Histogram, share: float) -> float:
    """Interpolated within its bucket, in ms; 0 without any."""
    wanted, seen, low = share * sum(histogram.values()), 0.0, 0.0
    for bound, count in histogram.items():
        if count and seen + count >= wanted:
            return low + (bound - low) * (wanted - seen) / count if bound != float("inf") else low
        seen, low = seen + count, bound
    return low


def shares(histogram: Histogram) -> str:
    """p50, p95 and p99 in ms; what is below the finest bucket isn't known closer."""
    finest = min(histogram, default=0.0)
    values = [of_histogram(histogram, share) for share in SHARES]
    return " / ".join(f"{value:.2f}" if value > finest else f"<{finest:g}" for value in values)
