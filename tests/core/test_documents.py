"""Links to documents: they bring the ref back, and nothing but the exact link does."""

from __future__ import annotations

import string
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from yarl import URL

from appliance.core.documents import check, content_type, extension, sign

KEY = bytes(range(32))
NOW = 1_800_000_000_000
LATER = NOW + 60_000
REF = "folder:2026년/3월 (긴급)/제작 의뢰서+ORD-1001, 수정=2 & 'A' #7@x.pdf"

refs = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=60).map(
    "folder:{}".format
)


@given(refs)
def test_a_link_brings_its_ref_back(ref: str) -> None:
    assert check(sign(ref, KEY, LATER), KEY, NOW) == ref


def test_a_link_ends_in_the_file_name_and_survives_clients_that_normalise_addresses() -> None:
    link = sign(REF, KEY, LATER)
    assert link.startswith("/documents/")
    assert link.isascii()
    assert unquote(link.rpartition("/")[2]) == REF.rpartition("/")[2]
    assert urlsplit("http://10.0.0.5:8480" + link).path == link
    assert URL("http://10.0.0.5:8480" + link).raw_path == link


@given(refs)
def test_no_name_is_changed_by_a_normalising_client(ref: str) -> None:
    name = unquote(sign(ref, KEY, LATER).rpartition("/")[2])
    assume(name not in ("", ".", ".."))
    link = sign(ref, KEY, LATER)
    assert URL("http://10.0.0.5" + link).raw_path == link


@given(refs, st.data())
def test_every_change_of_one_character_is_refused(ref: str, data: st.DataObject) -> None:
    link = sign(ref, KEY, LATER)
    at = data.draw(st.integers(0, len(link) - 1))
    other = data.draw(st.sampled_from(string.printable + "é한"))
    change = data.draw(st.sampled_from(["replace", "insert", "delete", "case", "encode", "double"]))
    changed = {
        "replace": link[:at] + other + link[at + 1 :],
        "insert": link[:at] + other + link[at:],
        "delete": link[:at] + link[at + 1 :],
        "case": link[:at] + link[at].swapcase() + link[at + 1 :],
        "encode": link[:at] + f"%{ord(link[at]):02X}" + link[at + 1 :],
        "double": link[:at] + link[at] + link[at:],
    }[change]
    assume(changed != link)
    assert check(changed, KEY, NOW) is None


@pytest.mark.parametrize("position", range(len(sign(REF, KEY, LATER))))
def test_every_position_counts(position: int) -> None:
    link = sign(REF, KEY, LATER)
    for other in set("Aa0-_/%.=") - {link[position]}:
        assert check(link[:position] + other + link[position + 1 :], KEY, NOW) is None


@pytest.mark.parametrize(
    "variant",
    [
        lambda link: link + "?",
        lambda link: link + "?x=1",
        lambda link: link + "#page=2",
        lambda link: link + "/",
        lambda link: "/" + link,
        lambda link: "http://host" + link,
        lambda link: link.replace("%ED", "%ed"),
        unquote,
        lambda link: link.replace("(", "%28"),
        lambda link: link.replace("/documents/", "/documents/./"),
        lambda link: link.rpartition("/")[0] + "=/" + link.rpartition("/")[2],
        lambda link: link.rpartition("/")[0],
        lambda link: link.rpartition("/")[0] + "/other.pdf",
        lambda link: "/documents/",
        lambda link: "/documents//",
        lambda link: "/documents/AAAA/x.pdf",
        lambda link: "/documents/" + "A" * 9000 + "/x.pdf",
        lambda link: "",
        lambda link: "/documents/\ud800/x.pdf",
    ],
)
def test_other_spellings_are_refused(variant: object) -> None:
    link = sign("folder:하나 (1).pdf", KEY, LATER)
    assert check(link, KEY, NOW) is not None
    assert callable(variant)
    changed = variant(link)
    assert changed != link
    assert check(changed, KEY, NOW) is None


def test_two_links_can_not_be_mixed() -> None:
    one, two = sign("folder:a/ORD-1.pdf", KEY, LATER), sign("folder:b/ORD-2.pdf", KEY, LATER)
    assert check(one.rpartition("/")[0] + "/" + two.rpartition("/")[2], KEY, NOW) is None


def test_a_link_ends_at_its_time_and_belongs_to_its_key() -> None:
    link = sign(REF, KEY, LATER)
    assert check(link, KEY, LATER - 1) == REF
    assert check(link, KEY, LATER) is None
    assert check(link, bytes(32), NOW) is None
    with pytest.raises(ValueError, match="too short"):
        sign(REF, b"short", LATER)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ORD-1001.pdf", "application/pdf"),
        ("ORD-1001.PDF", "application/pdf"),
        ("도면.png", "image/png"),
        ("a.jpg", "image/jpeg"),
        ("a.JPEG", "image/jpeg"),
        ("a.webp", "image/webp"),
        ("a.gif", "image/gif"),
        ("a.svg", "image/svg+xml"),
        ("a.html", "text/html; charset=utf-8"),
        ("sub.d/a.htm", "text/html; charset=utf-8"),
        ("a.txt", "text/plain; charset=utf-8"),
        ("a.xlsx", "application/octet-stream"),
        ("noextension", "application/octet-stream"),
        (".pdf", "application/octet-stream"),
    ],
)
def test_content_types(name: str, expected: str) -> None:
    assert content_type(name) == expected


def test_the_charset_is_read_from_the_text() -> None:
    text = "제작의뢰서 ORD-1001 수량 24개\r\n" * 50
    assert content_type("a.txt", text.encode("cp949")) == "text/plain; charset=euc-kr"
    assert content_type("a.html", text.encode("utf-8")[:100]) == "text/html; charset=utf-8"  # cut inside a letter
    assert content_type("a.txt", text.encode("utf-8-sig")) == "text/plain; charset=utf-8"
    assert content_type("a.txt", b"\xff\xfe" + text.encode("utf-16-le")) == "text/plain; charset=utf-16le"
    assert content_type("a.txt", b"\xfe\xff" + text.encode("utf-16-be")) == "text/plain; charset=utf-16be"
    assert content_type("a.txt", b"\xff\xff\xff\x00") == "text/plain; charset=utf-8"
    assert content_type("a.pdf", text.encode("cp949")) == "application/pdf"


def test_extensions() -> None:
    assert extension("REV.2.Pdf") == "pdf"
    assert extension("none") == ""
    assert extension(".hidden") == ""
