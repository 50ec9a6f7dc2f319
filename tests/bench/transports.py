"""The numbers of `steady`, and the same for screens on each of the three transports, with triggers a second by HTTP.

Beside them, with the same clients: Socket.IO on Node with nothing durable.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from tests.bench import machine, nodes, report
from tests.bench.accepts import WAYS, measure
from tests.bench.accepts import Found as Flood
from tests.bench.floor import connected
from tests.bench.record import percentile
from tests.bench.report import ratio
from tests.bench.servers import Server, appliance
from tests.bench.steady import Found, Load
from tests.bench.steady import measure as measure_steady
from tests.bench.steady import show as show_steady

TRANSPORTS = {"websocket": "WebSocket", "socketio": "Socket.IO", "events": "SSE"}


@dataclass
class Both:
    steady: Found
    flood: Flood


async def run(place: Path, load: Load, seconds: float) -> None:
    sync = await asyncio.to_thread(machine.sync_ms, place)
    found: dict[str, Both] = {}
    for transport, words in TRANSPORTS.items():
        async with appliance(place / transport, load.screens) as server:
            found[words] = await _both(server, place, load, seconds, transport)
    async with nodes.plain(place, load.screens) as server:
        found["Node"] = await _both(server, place, load, seconds, server.transport)
    show_steady(found["WebSocket"].steady, found["Node"].steady, load, sync)
    _show(found, load, seconds)


async def _both(server: Server, place: Path, load: Load, seconds: float, transport: str) -> Both:
    steady = await measure_steady(server, place, load, transport)
    flooded = place / f"{server.name}.flooded"
    flooded.write_text("\n".join(server.screen_ids))
    async with connected(server, place, transport=transport, shown=False) as floor:
        flood = await measure(server, floor, WAYS["http"], flooded, seconds)
    flood.look_up(await floor.seen)
    return Both(steady, flood)


def _show(found: dict[str, Both], load: Load, seconds: float) -> None:
    figures = {words: _figures(each) for words, each in found.items()}
    rows = []
    for line in figures["Node"]:
        row = [line]
        for words, each in figures.items():
            row.append(f"{each[line]:,.2f}")
            if words != "Node":
                row.append(ratio(each[line], figures["Node"][line]))
        rows.append(row)
    head = [""]
    for words in figures:
        head += [words, ""] if words != "Node" else [words]
    wrong = [
        f"{words} {each.steady.times.lost(each.steady.seen)}, {each.steady.seen.errors + each.flood.errors}"
        for words, each in found.items()
    ]
    report.table(
        f"{load.screens} screens on each transport: {load.rate:g} triggers a second for {load.seconds:g} s, and as many"
        f" as can be for {seconds:g} s",
        head,
        rows,
        ["The ratios are to Node. Lost, and refused or complained of: " + "; ".join(wrong) + "."],
    )


def _figures(both: Both) -> dict[str, float]:
    navigate = both.steady.times.navigate(both.steady.seen)
    return {
        "until all are welcomed, s": both.steady.seconds,
        "memory a connection, unique, kB": both.steady.memory[2],
        **{f"trigger to navigate p{share * 100:g}, ms": percentile(navigate, share) for share in report.SHARES},
        "processor seconds a thousand": both.steady.times.server_cpu,
        "triggers a second by HTTP": both.flood.reached,
        "processor seconds a thousand by HTTP": both.flood.server_cpu,
        "the same of load and screens": both.flood.client_cpu,
    }
