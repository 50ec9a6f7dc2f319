"""What `serve` prints for the person who started it: where to open the appliance, and how to begin."""

from __future__ import annotations

import sys

from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from appliance import __version__
from appliance.api.setup import setup_link
from appliance.app import Appliance
from appliance.cli.common import language
from appliance.cli.terminal import Terminal
from appliance.core.certificates import grouped
from appliance.relay.qr import terminal


def _two(korean: str, english: str) -> Text:
    first, second = (korean, english) if language() == "ko" else (english, korean)
    return Text.assemble((first, "bold"), ("  " + second, "dim"))


async def banner(appliance: Appliance) -> None:
    """Prints the addresses and, on the first run, the set-up link; the link to a terminal alone."""
    console = Terminal(soft_wrap=True)
    table = Table.grid(padding=(0, 3))
    addresses = appliance.urls()
    table.add_row(_two("주소", "Open"), Text("\n".join(addresses), style="bold cyan"))
    table.add_row(_two("제작의뢰서 폴더", "Work orders"), Text(str(appliance.engine.folder)))
    table.add_row(_two("데이터", "Data"), Text(str(appliance.data.root), style="dim"))
    fingerprint = appliance.fingerprint()
    if fingerprint:
        digits = grouped(fingerprint)
        half = len(digits) // 2
        table.add_row(_two("인증서 지문", "Fingerprint"), Text(f"{digits[:half]}\n{digits[half + 1 :]}"))
        table.add_row(_two("신뢰하기", "To trust it"), Text(f"{appliance.base_url()}/trust", style="cyan"))
    console.print()
    console.print(
        Panel(table, title=f"Vooster Appliance {__version__}", title_align="left", border_style="blue", padding=(1, 2))
    )
    if appliance.engine.people.complete:
        return
    if not sys.stdout.isatty():
        console.print(_two("첫 설정: vooster setup --link", "First set-up: vooster setup --link"))
        return
    token, _ = await appliance.engine.people.new_setup_token()
    link = setup_link(appliance.base_url(), token)
    console.print(
        _two("처음 한 번, 이 링크를 열어 시스템 관리자를 만듭니다.", "Open this link once to make the administrator.")
    )
    console.print(Text(link, style="bold cyan"), soft_wrap=True)
    console.print(_two("30분 동안 한 번 쓸 수 있습니다.", "Works once, for 30 minutes."))
    print(terminal(link))
