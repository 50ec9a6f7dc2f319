"""Labels in a real browser: printed to PDF page by page, and a QR code that says the station's address."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import pytest
import qrcode
from playwright.sync_api import Locator, Page, expect
from pypdf import PdfReader
from qrcode.constants import ERROR_CORRECT_M

from tests.e2e.floor import PASSWORD, Floor, People
from tests.e2e.pages import picture, sign_in

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

MM = 96 / 25.4


def test_labels_are_printed_by_the_page_and_say_where_the_station_s_page_is(floor: Floor, people: People) -> None:
    floor.vooster("setup", "--username", "admin", "--password-stdin", stdin=PASSWORD)
    desk = people.desk()
    desk.goto(f"{floor.base}/screens")
    desk.wait_for_url("**/login**")
    sign_in(desk)
    desk.get_by_role("link", name="라벨 먼저 인쇄").click()
    names = ["절단 1", *(f"조립 {number}" for number in range(2, 25))]
    count = 0
    for wanted in (1, 8, 9, 24):
        if count:
            desk.get_by_text("자리 더하기").click()
        desk.get_by_label("자리 이름, 한 줄에 하나씩").fill("\n".join(names[count:wanted]))
        desk.get_by_label("라인").last.fill("line-1" if wanted < 24 else "line-2")
        desk.get_by_role("button", name="만들기").click()
        expect(desk.locator(".lab img")).to_have_count(wanted)
        if count:
            desk.get_by_text("자리 더하기").click()
        count = wanted
        pages = -(-wanted // 8)
        expect(desk.get_by_role("status").first).to_contain_text(f"라벨 {wanted}장 · {pages}쪽")
        printed = PdfReader(io.BytesIO(desk.pdf(format="A4")))
        assert len(printed.pages) == pages
    assert len(PdfReader(io.BytesIO(desk.pdf(format="Letter"))).pages) == 3
    texts = [page.extract_text() for page in printed.pages]
    for at, name in enumerate(names):
        assert f"SCREEN-{at + 1:03}" in texts[at // 8], name
    assert all("인쇄 창" not in text and "로그아웃" not in text for text in texts), "the page around is left out"
    assert all("떼지 말아 주세요" in text for text in texts)
    picture(desk, "labels")

    # One line, then one station of it; the address keeps both.
    desk.get_by_label("라인").first.select_option("line-2")
    expect(desk.locator(".lab")).to_have_count(15)
    desk.get_by_role("button", name="모두 빼기").click()
    expect(desk.locator(".lab")).to_have_count(0)
    desk.get_by_label("조립 12").check()
    desk.reload()
    expect(desk.locator(".lab h2")).to_have_text(["조립 12"])

    address = floor.get("/.well-known/vooster", "")["address"]
    label = desk.locator(".lab")
    expect(label).to_contain_text("2라인")
    expect(label).to_contain_text(address)
    desk.emulate_media(media="print")
    desk.set_viewport_size({"width": 718, "height": 1000})  # what A4 leaves between its margins
    code = label.locator("img")
    expected = modules(f"http://{address}/pair?screenId=SCREEN-012")
    box = code.bounding_box()
    assert box is not None
    width = box["width"] / MM * len(expected) / (len(expected) + 8)
    assert 41 <= width <= 46, f"{width} mm"
    assert seen(desk, code, len(expected)) == expected


def modules(text: str) -> list[list[bool]]:
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_M, border=0)
    code.add_data(text)
    code.make(fit=True)
    found: list[list[bool]] = code.get_matrix()
    return found


def seen(page: Page, code: Locator, size: int) -> list[list[bool]]:
    """The modules as they stand in a picture of the code, the margin of four around it left out."""
    box: Any = code.bounding_box()
    picture_of = page.screenshot(clip=box, scale="css")
    width, height, rows = grey(picture_of)
    step_x, step_y = width / (size + 8), height / (size + 8)
    return [[rows[int((y + 4.5) * step_y)][int((x + 4.5) * step_x)] < 128 for x in range(size)] for y in range(size)]


def grey(png: bytes) -> tuple[int, int, list[list[int]]]:
    """Width, height and the red of each pixel of an 8-bit RGB or RGBA PNG."""
    width, height, _, kind = struct.unpack_from(">IIBB", png, 16)
    channels = {2: 3, 6: 4}[kind]
    data, place = b"", 8
    while place < len(png):
        length, name = struct.unpack_from(">I4s", png, place)
        data += png[place + 8 : place + 8 + length] if name == b"IDAT" else b""
        place += length + 12
    raw, stride = zlib.decompress(data), width * channels
    rows: list[list[int]] = []
    above = bytearray(stride)
    for y in range(height):
        start = y * (stride + 1)
        line = bytearray(raw[start + 1 : start + 1 + stride])
        _unfilter(raw[start], line, above, channels)
        rows.append(list(line[::channels]))
        above = line
    return width, height, rows


def _unfilter(kind: int, line: bytearray, above: bytearray, channels: int) -> None:
    """PNG's five filters, undone in place."""
    for at in range(len(line)):
        left = line[at - channels] if at >= channels else 0
        corner = above[at - channels] if at >= channels else 0
        up = above[at]
        guess = left + up - corner
        nearest = min((left, up, corner), key=lambda one: abs(guess - one))  # the first of equals, as PNG has it
        line[at] = (line[at] + (0, left, up, (left + up) // 2, nearest)[kind]) & 255


def test_labels_are_not_for_operators(floor: Floor, people: People) -> None:
    floor.vooster("setup", "--username", "admin", "--password-stdin", stdin=PASSWORD)
    key = floor.vooster("keys", "add", "--name", "office", "--role", "admin")
    floor.post("/api/users", key, {"username": "park", "password": PASSWORD, "role": "operator"})
    desk = people.desk()
    desk.goto(f"{floor.base}/screens/labels")
    desk.wait_for_url("**/login**")
    desk.locator("input[name=username]").fill("park")
    desk.locator("input[name=password]").fill(PASSWORD)
    desk.keyboard.press("Enter")
    expect(desk.locator("body")).to_contain_text("이 작업을 할 권한이 없습니다")
    expect(desk.get_by_role("button", name="인쇄")).to_have_count(0)
