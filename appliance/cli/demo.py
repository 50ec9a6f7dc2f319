"""`vooster demo`: a whole appliance with sample orders and simulated stations, on data that is thrown away."""

from __future__ import annotations

import asyncio
import os
import secrets
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer
from rich.console import Console
from rich.text import Text

from appliance import __version__, log
from appliance import settings as settings_of
from appliance.cli.common import fail, language
from appliance.cli.serve import run_loop, stop_asked
from appliance.errors import Problem
from appliance.paths import DataDir, package_data
from appliance.settings import Settings

if TYPE_CHECKING:
    from appliance.app import Appliance
    from appliance.cli.simulation import Floor

ACTOR = "local:demo"
USERNAME = "demo"
PLANT = "데모 공장"
MONITOR = "데모 모니터"
MONITOR_ID = "DEMO-MONITOR"
KINDS = ("절단", "용접", "조립", "포장")
LINES = 3
OFFER_SECONDS = 12 * 3600
DAMAGED = "ORD-1009"
_LETTERS = "bcdfghjkmnpqrstvwxz"


def demo(
    stations: Annotated[int, typer.Option(min=1, max=200, help="Simulated stations.")] = 8,
    scans_per_minute: Annotated[int, typer.Option(min=1, max=6000, help="Scans a minute, over all stations.")] = 20,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="TCP port (8480).", show_default=False)] = None,
) -> None:
    """Show a floor at work: sample orders, simulated stations, and a monitor for you."""
    try:
        with tempfile.TemporaryDirectory(prefix="vooster-demo-", ignore_cleanup_errors=True) as place:
            settings = _settings(Path(place), port)
            log.configure(settings.log.format, "error")
            run_loop(_demo(settings, Path(place), stations, scans_per_minute))
    except Problem as problem:
        if problem.code == "PORT_IN_USE":
            problem.values["command"] = f"vooster demo --port {int(str(problem.values['port'])) + 1}"
        raise fail(problem) from None


def _settings(place: Path, port: int | None) -> Settings:
    """As `serve` has them, but for what would reach beyond the demo: it isn't announced to real stations, and nobody is
    to trust a certificate that is thrown away with it."""
    flags: settings_of.Values = {
        "server": {"host": "0.0.0.0", **({"port": port} if port is not None else {})},  # noqa: S104 - phones look too
        "orders": {"source": "folder", "folder": str(place / "orders")},
        "discovery": {"enabled": False},
        "tls": {"mode": "off"},
    }
    return settings_of.load(None, os.environ, flags)


async def _demo(settings: Settings, place: Path, stations: int, scans_per_minute: int) -> None:
    stop = stop_asked()
    orders = copy_orders(place / "orders")
    # Only here, as the other verbs do without.
    import aiohttp  # noqa: PLC0415

    from appliance.app import Appliance  # noqa: PLC0415
    from appliance.cli.simulation import Floor  # noqa: PLC0415

    appliance = Appliance(settings, DataDir(place / "data"))
    await appliance.start()
    try:
        names = station_names(stations)
        password, offer = await _furnish(appliance, names)
        pairings = await appliance.engine.pairings.provision(list(names), actor=ACTOR, server_url=appliance.base_url())
        _, key = await appliance.engine.people.add_key("demo", "operator", actor=ACTOR)
        _banner(appliance, password, offer, orders, stations)
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as http:
            address = f"http://127.0.0.1:{urlsplit(appliance.urls()[-1]).port}"
            floor = Floor(
                http,
                address,
                pairings,
                {screen_id: name for screen_id, (name, _) in names.items()},
                key=key,
                orders=orders,
                damaged=DAMAGED,
                scans_per_minute=scans_per_minute,
            )
            await _until(stop, floor)
    finally:
        await appliance.stop()


async def _until(stop: asyncio.Event, floor: Floor) -> None:
    working = asyncio.create_task(floor.run(), name="floor")
    asked = asyncio.create_task(stop.wait(), name="stop")
    try:
        await asyncio.wait({working, asked}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            working.result()
    finally:
        for task in (working, asked):
            task.cancel()
        await asyncio.gather(working, asked, return_exceptions=True)


async def _furnish(appliance: Appliance, names: dict[str, tuple[str, str]]) -> tuple[str, str]:
    """The administrator, the screens, and an offer for the one that is yours: the password and the offer's address."""
    password = "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(3))
    await appliance.engine.people.set_up(USERNAME, password, PLANT, token=None, actor=ACTOR)
    for screen_id, (name, line) in names.items():
        await appliance.engine.screens.add(screen_id, actor=ACTOR, name=name, groups=[line])
    await appliance.engine.screens.add(MONITOR_ID, actor=ACTOR, name=MONITOR, groups=["1라인"])
    token, _ = await appliance.engine.pairings.offer(MONITOR_ID, actor=ACTOR, seconds=OFFER_SECONDS)
    return password, f"{appliance.base_url()}/pair?screenId={MONITOR_ID}#token={token}"


def copy_orders(folder: Path) -> list[str]:
    """Lays out the sample orders and one whose file is damaged; the numbers of the good ones."""
    folder.mkdir(parents=True)
    numbers = []
    for sample in sorted(package_data("samples").joinpath("orders").iterdir(), key=lambda file: file.name):
        folder.joinpath(sample.name).write_bytes(sample.read_bytes())
        numbers.append(sample.name.rpartition(".")[0])
    whole = folder.joinpath("ORD-1001.pdf").read_bytes()
    # Its head and its end are there, so that it doesn't pass for a file that is still being copied.
    folder.joinpath(f"{DAMAGED}.pdf").write_bytes(whole[:2000] + whole[-200:])
    return numbers


def station_names(count: int) -> dict[str, tuple[str, str]]:
    """Screen id to name and line. A line has stations of every kind, as long as there are enough for that."""
    lines = max(1, min(LINES, count // len(KINDS)))
    found: dict[str, tuple[str, str]] = {}
    of_kind = dict.fromkeys(KINDS, 0)
    for line in range(lines):
        for place in range(count // lines + (line < count % lines)):
            kind = KINDS[place % len(KINDS)]
            of_kind[kind] += 1
            found[f"SCREEN-{len(found) + 1:03d}"] = (f"{kind} {of_kind[kind]}", f"{line + 1}라인")
    return found


def _banner(appliance: Appliance, password: str, offer: str, orders: list[str], stations: int) -> None:
    console = Console(highlight=False, soft_wrap=True)
    base = appliance.base_url()
    console.print(f"\n[bold blue]Vooster Appliance {__version__}[/] · demo\n")

    def say(korean: str, english: str, value: str, more_korean: str = "", more_english: str = "") -> None:
        two = ((korean, more_korean), (english, more_english))
        (first, more), (second, _) = two if language() == "ko" else two[::-1]
        console.print(Text.assemble((first, "bold"), ("  " + second, "dim")))
        console.print(Text.assemble("  ", (value, "bold cyan"), ("   " + more if more else "", "")))

    say(
        "현황",
        "Live status",
        base,
        f"모니터 {stations}대가 일하고 있습니다.",
        f"{stations} stations are at work.",
    )
    say("로그인", "Sign in", f"{USERNAME} / {password}")
    say("내 모니터", "Your monitor", offer)
    say(
        f"단추를 누르면 그 창이 ‘{MONITOR}’입니다. 다른 PC라면 아래를 열고 휴대폰으로 등록합니다.",
        f"Press the button, and that window is “{MONITOR}”. On another PC open this, and pair it with a phone:",
        f"{base}/display",
    )
    say(
        "스캔",
        "Scan",
        f"{base}/scan",
        f"모니터는 ‘{MONITOR}’, 주문 번호는 {orders[0]} … {orders[-1]} (손상된 파일: {DAMAGED})",
        f"Screen “{MONITOR}”, orders {orders[0]} … {orders[-1]} (a damaged file: {DAMAGED})",
    )
    say("끝내기", "Stop", "Ctrl+C", "데이터는 모두 지워집니다.", "Everything is deleted.")
    console.print()
