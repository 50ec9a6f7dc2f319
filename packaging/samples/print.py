"""Prints the sample work orders of `appliance/samples/orders` from the pages here: `python packaging/samples/print.py`.

Needs Chromium, pngquant and the Nanum fonts (Debian: fonts-nanum). Their licence, the SIL Open Font License, allows
embedding, and their outlines are TrueType: of others Chromium makes Type 3 fonts, at three times the size.
ORD-1004.html and ORD-1005.svg are orders as they are. The companies and all figures are made up.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

HERE = Path(__file__).parent
TARGET = HERE.parents[1] / "appliance" / "samples" / "orders"
AS_PICTURE = {"ORD-1003"}


def print_order(tab: Page, source: Path) -> Path:
    """One order's page as a PDF of its own paper size, or as a picture."""
    tab.goto(source.as_uri())
    if source.stem in AS_PICTURE:
        target = TARGET / f"{source.stem}.png"
        tab.locator(".sheet").screenshot(path=target)
        subprocess.run(["pngquant", "--force", "--output", target, "48", target], check=True)
        return target
    target = TARGET / f"{source.stem}.pdf"
    tab.pdf(path=target, print_background=True, prefer_css_page_size=True, tagged=False)
    return target


def main() -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 1123, "height": 794}, device_scale_factor=1.7)
        for source in sorted(HERE.glob("ORD-*.html")):
            target = print_order(tab, source)
            print(f"{target.stat().st_size / 1000:7.1f} kB  {target.name}")
        browser.close()


if __name__ == "__main__":
    main()
