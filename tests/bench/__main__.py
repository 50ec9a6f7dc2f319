"""Runs the bench and prints what it found: the appliance, and beside it, on the same machine, a relay without storage.

A trigger's way is measured from just before its HTTP request is written to the moment its navigate has arrived at the
screen. The server, the screens and the producer are processes of their own and share the machine's cores.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import socket
import sys
import tempfile
import urllib.request
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from tests.bench import machine
from tests.bench.producer import WARM_UP_SECONDS
from tests.bench.record import load, percentile

ROOT = Path(__file__).parents[2]
HOST = "127.0.0.1"
ORDERS = 200
BATCH = 250
"""Screens paired by one command."""
SETTLE_SECONDS = 3.0
GOAL_MS, GOAL_KB = 10.0, 25.0

Histogram = dict[float, float]


@dataclass
class Found:
    """One server under the load. Times in ms, memory in kB a connection, `cpu` in cores."""

    name: str
    navigate: list[float]
    receipt: list[float]
    posted: int
    lost: int
    refused: int
    memory: tuple[float, float, float]
    memory_loaded: int
    cpu: float
    commits: float = 0
    inside: Histogram | None = None


@dataclass
class Load:
    screens: int
    rate: float
    seconds: float
    directory: Path


@contextlib.asynccontextmanager
async def process(
    *arguments: str, environment: dict[str, str] | None = None, quiet: bool = False
) -> AsyncIterator[asyncio.subprocess.Process]:
    running = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", *arguments),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE if quiet else None,
        env={**os.environ, **(environment or {})},
    )
    try:
        yield running
    finally:
        if running.returncode is None:
            running.terminate()
            try:
                await asyncio.wait_for(running.wait(), 10)
            except TimeoutError:
                running.kill()
                await running.wait()


async def output(*arguments: str) -> str:
    async with process(*arguments, quiet=True) as running:
        said, wrong = await asyncio.wait_for(running.communicate(), 60)
    if running.returncode:
        raise SystemExit(f"{' '.join(arguments)[:200]} failed:\n{wrong.decode()[-2000:]}")
    return said.decode()


async def line(running: asyncio.subprocess.Process, seconds: float) -> str:
    assert running.stdout is not None
    said = (await asyncio.wait_for(running.stdout.readline(), seconds)).decode().strip()
    if not said:
        raise SystemExit("a process of the bench ended early")
    return said


async def measure(
    name: str, server: asyncio.subprocess.Process, port: int, pairings: str, key: str, load_: Load
) -> Found:
    """Connects the screens to a server that is up, weighs it, and puts the load on it."""
    pid, place = server.pid, load_.directory
    pairings_file, screens_file = place / f"{name}.pairings", place / f"{name}.screens"
    pairings_file.write_text(pairings)
    screens_file.write_text("\n".join(json.loads(each)["screenId"] for each in pairings.splitlines()))
    seen, posted = place / f"{name}.seen", place / f"{name}.posted"
    is_appliance = name == "appliance"
    await asyncio.sleep(SETTLE_SECONDS)
    empty = machine.memory_kb(pid)
    async with process("tests.bench.screens", HOST, str(port), str(pairings_file), str(seen)) as screens:
        await line(screens, 60)
        await asyncio.sleep(SETTLE_SECONDS)
        connected = machine.memory_kb(pid)
        before = figures(port) if is_appliance else {}
        cpu = machine.cpu_seconds(pid)
        said = await output(
            *("tests.bench.producer", HOST, str(port), key, str(load_.rate), str(load_.seconds)),
            *(str(screens_file), str(ORDERS), str(posted)),
        )
        cpu = machine.cpu_seconds(pid) - cpu
        await asyncio.sleep(1)
        after = figures(port) if is_appliance else {}
        loaded = machine.memory_kb(pid)[0]
        assert screens.stdin is not None
        screens.stdin.write(b"\n")
        await line(screens, 30)
    refused, unanswered, _ = map(int, said.split())
    arrived = {trigger_id: at for trigger_id, at, _ in load(seen)}
    accepted = load(posted)
    return Found(
        name,
        sorted((arrived[trigger] - sent) / 1e6 for trigger, sent, _ in accepted if trigger in arrived),
        sorted((answered - sent) / 1e6 for _, sent, answered in accepted),
        posted=len(accepted),
        lost=sum(trigger not in arrived for trigger, _, _ in accepted),
        refused=refused + unanswered,
        memory=tuple((b - a) / load_.screens for a, b in zip(empty, connected, strict=True)),  # type: ignore[arg-type]
        memory_loaded=loaded,
        cpu=cpu / (load_.seconds + WARM_UP_SECONDS),
        commits=after.get("vooster_storage_commits_total", 0) - before.get("vooster_storage_commits_total", 0),
        inside=difference(before, after) if is_appliance else None,
    )


async def appliance(load_: Load) -> Found:
    data, documents, port = load_.directory / "data", load_.directory / "orders", free_port()
    documents.mkdir()
    for number in range(ORDERS):
        documents.joinpath(f"ORD-{number:04d}.html").write_text(f"<!doctype html><title>{number}</title>")
    common = ("--data-dir", str(data))
    cli = "appliance.cli.main"
    serve = (cli, "serve", *common, "--host", HOST, "--port", str(port), "--documents", str(documents), "--no-mdns")
    async with process(*serve, environment={"VOOSTER_LOG_LEVEL": "error"}) as server:
        await listening(port)
        ids = [f"SCREEN-{number:04d}" for number in range(load_.screens)]
        batches = [ids[first : first + BATCH] for first in range(0, len(ids), BATCH)]
        pairings = "".join([await output(cli, "screens", "provision", *batch, *common) for batch in batches])
        key = (await output(cli, "keys", "add", "--name", "bench", *common)).strip()
        return await measure("appliance", server, port, pairings, key, load_)


async def control(load_: Load) -> Found:
    port = free_port()
    async with process("tests.bench.control", str(port)) as server:
        await listening(port)
        ids = [f"SCREEN-{number:04d}" for number in range(load_.screens)]
        pairings = "\n".join(json.dumps({"screenId": each, "accessToken": "none"}) for each in ids)
        return await measure("control", server, port, pairings, "none", load_)


async def listening(port: int) -> None:
    for _ in range(200):
        try:
            _, writer = await asyncio.open_connection(HOST, port)
        except OSError:
            await asyncio.sleep(0.1)
        else:
            writer.close()
            return
    raise SystemExit("the server didn't start within 20 s")


def free_port() -> int:
    with socket.socket() as found:
        found.bind((HOST, 0))
        port: int = found.getsockname()[1]
        return port


def figures(port: int) -> dict[str, float]:
    """The server's own counters, by their name in Prometheus' text."""
    with urllib.request.urlopen(f"http://{HOST}:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    return {
        name: float(value) for name, _, value in (row.rpartition(" ") for row in text.splitlines() if row[0] != "#")
    }


def difference(before: dict[str, float], after: dict[str, float]) -> Histogram:
    """The buckets of accepted-to-navigate that were filled in between: upper bound in ms to count."""
    found, below = {}, 0.0
    for name, value in after.items():
        if name.startswith("vooster_navigate_seconds_bucket"):
            bound = float(name.split('"')[1]) * 1000
            count = value - before.get(name, 0)
            found[bound], below = count - below, count
    return found


def of_histogram(histogram: Histogram, share: float) -> float:
    wanted, seen, low = share * sum(histogram.values()), 0.0, 0.0
    for bound, count in histogram.items():
        if count and seen + count >= wanted:
            return low + (bound - low) * (wanted - seen) / count
        seen, low = seen + count, bound
    return low


def show(found: Found, beside: Found, load_: Load) -> None:
    def row(words: str, value: float, other: float, unit: str, goal: str = "") -> None:
        ratio = f"{value / other:8.2f} x" if other else ""
        print(f"  {words:<42}{value:10.2f} {unit:<8}{other:10.2f} {unit:<8}{ratio}  {goal}")

    print(f"\n  {'':<42}{'appliance':>10} {'':<8}{'control':>10} {'':<8}   ratio")
    for share, goal in ((0.5, ""), (0.95, f"goal: under {GOAL_MS:g} ms"), (0.99, "")):
        mine, other = percentile(found.navigate, share), percentile(beside.navigate, share)
        row(f"trigger to navigate p{share * 100:g}", mine, other, "ms", goal)
    row("trigger to navigate, longest", found.navigate[-1], beside.navigate[-1], "ms")
    for share in (0.5, 0.95, 0.99):
        row(
            f"receipt (202) p{share * 100:g}", percentile(found.receipt, share), percentile(beside.receipt, share), "ms"
        )
    for name, mine, other in zip(("resident", "proportional", "unique"), found.memory, beside.memory, strict=True):
        row(
            f"memory a connection, {name}", mine, other, "kB", f"goal: at most {GOAL_KB:g} kB" if name[0] == "u" else ""
        )
    row("server's resident memory under load", found.memory_loaded / 1024, beside.memory_loaded / 1024, "MB")
    row("server's processor use", found.cpu, beside.cpu, "cores")
    if found.inside:
        inside = " / ".join(f"{of_histogram(found.inside, share):.2f}" for share in (0.5, 0.95, 0.99))
        print(
            f"\n  accepted (committed) to navigate written, by the server's own histogram: p50 / p95 / p99 {inside} ms"
        )
    commits = found.commits / (load_.seconds + WARM_UP_SECONDS)
    each_commit = found.posted / found.commits
    print(f"  synced commits: {found.commits:.0f}, {commits:.0f} a second, {each_commit:.2f} counted accepts each")
    for each in (found, beside):
        print(
            f"  {each.name}: accepted {each.posted}, navigated {len(each.navigate)}, lost {each.lost}, "
            f"refused or unanswered {each.refused}"
        )


async def main() -> None:
    options = argparse.ArgumentParser(
        prog="python -m tests.bench", description=__doc__.splitlines()[0] if __doc__ else ""
    )
    options.add_argument("--screens", type=int, default=1000)
    options.add_argument("--rate", type=float, default=500, help="triggers a second")
    options.add_argument("--seconds", type=float, default=20)
    options.add_argument("--directory", type=Path, default=ROOT / "build", help="on the disk to measure")
    given = options.parse_args()
    given.directory.mkdir(exist_ok=True)
    if machine.file_system(given.directory)[1] in {"tmpfs", "ramfs"}:
        raise SystemExit(f"{given.directory} is in memory; name a directory on a disk with --directory")
    with tempfile.TemporaryDirectory(prefix="bench-", dir=given.directory) as place:
        load_ = Load(given.screens, given.rate, given.seconds, Path(place))
        print(f"{machine.describe(load_.directory)}")
        p50, p95 = machine.sync_ms(load_.directory)
        print(f"one 4 kB write and fdatasync: p50 {p50:.2f} ms, p95 {p95:.2f} ms; {machine.pragmas(load_.directory)}")
        print(
            f"{given.screens} screens, {given.rate:g} triggers a second at random moments, {given.seconds:g} s",
            flush=True,
        )
        async with asyncio.timeout(240):
            mine = await appliance(load_)
            other = await control(load_)
        show(mine, other, load_)


if __name__ == "__main__":
    asyncio.run(main())
