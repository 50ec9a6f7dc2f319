"""Addresses of documents: one spelling each, and the same judgement by the appliance, the pages and the samples."""

from __future__ import annotations

import importlib.util
import json
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest

from appliance import settings
from appliance.core.webaddress import HostList, WebAddress, web_address
from appliance.errors import Problem
from tests.support.node import ROOT, bundled, node

GOOD = {
    "http://a/": ("http", "a", 80),
    "http://a": ("http", "a", 80),
    "http://a?x": ("http", "a", 80),
    "https://a#x": ("https", "a", 443),
    "HTTPS://Plm.Local:8443/d/1?x=%20#p": ("https", "plm.local", 8443),
    "http://a:80/": ("http", "a", 80),
    "http://my_plm-2.local/도면/1.pdf": ("http", "my_plm-2.local", 80),
    "http://192.168.0.9/a.pdf": ("http", "192.168.0.9", 80),
    "http://[::1]:9/x": ("http", "[::1]", 9),
    "http://[FE80::1]/": ("http", "[fe80::1]", 80),
    "http://a/@b": ("http", "a", 80),
    "http://a/http://b/": ("http", "a", 80),
    "http://xn--3e0b707e.kr/": ("http", "xn--3e0b707e.kr", 80),
    "http://1a.example/": ("http", "1a.example", 80),
}
BAD = [
    "", "a.pdf", "//a/b", "/a", "http:", "http:/a/", "http:a", "http:///x", "http://", "http://:80/", "http://?a",
    "file:///etc/passwd", "javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)", "java\tscript:alert(1)",
    "javascript://a/%0aalert(1)", "data:text/html,x", "DATA:text/html;base64,PHA+", "blob:http://a/x",
    "view-source:http://a/", "ftp://a/", "ws://a/", "chrome://settings", "filesystem:http://a/x", "about:blank",
    "http://user@a/", "http://user:pass@a/", "http://a@b/", "http://a:80@b/", "http://@a/", "http://a%40b/",
    "http://a\\@b/", "http:\\\\a\\b", "http://a\\b", "http://a/\\b", "http://a b/", "http://a\n/", "http://a/\r\nX: y",
    "\thttp://a/", " http://a/", "http://a/ ", "http://a/\x00", "http://a/\x7f", "http://a/\u202epdf.exe",
    "http://a/\u200b", "http://a/\u3000", "http://a/\ufeff", "http://\u2044a/",
    "http://127.1/", "http://127.0.1/", "http://2130706433/", "http://0x7f000001/", "http://0x7f.0.0.1/",
    "http://0177.0.0.1/", "http://127.0.0.01/", "http://127.0.0.256/", "http://1.2.3.4.5/", "http://127.0.0.1./",
    "http://a.1/", "http://a.0x/", "http://a.0x1f/", "http://0/", "http://0x/", "http://a.09/",
    "http://a./", "http://a../", "http://.a/", "http://a..b/", "http://./", "http://../",
    "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "http://[0:0:0:0:0:0:0:1]/", "http://[::1/", "http://::1/",
    "http://[::1]a/", "http://[fe80::1%25eth0]/", "http://[fe80::1%eth0]/", "http://[::127.0.0.1]/", "http://[]/",
    "http://[1]/", "http://[::g]/", "http://[1::2::3]/",
    "http://한국.kr/", "http://раураl.example/", "http://ex\u00e4mple/", "http://a\uff0eb/", "http://ⓔⓧ.example/",
    "http://a\u3002b/", "http://a\u00adb/", "http://ſ/", "http://\u212a/", "http://%61/", "http://a%2eb/", "http://a%00b/",
    "http://a:/", "http://a:0/", "http://a:080/", "http://a:65536/", "http://a:99999999/", "http://a:+80/",
    "http://a:8 0/", "http://a:port/", "http://a:80:80/", "http://a:８０/",
    "http://a!b/", "http://a,b/", "http://a;b/", "http://a|b/", "http://a<b/", "http://a'b/", "http://a*b/", "http://*/",
    "http://" + "a" * 64 + "/", "http://" + ".".join(["a" * 60] * 5) + "/", "http://a/" + "x" * 2048,
    "hxxp://a/", "httpſ://a/", "http\uff1a//a/",
]  # fmt: skip
LISTS: list[list[str]] = [
    [],
    ["a"],
    ["plm.local:8443", "192.168.0.9"],
    ["*.local", "[::1]:9"],
    ["*.example:8080", "192.168.0.0/16"],
    ["fe80::/10", "xn--3e0b707e.kr", "127.0.0.1:80"],
    ["10.0.0.0/9", "*.kr", "a:80"],
    ["0.0.0.0/0"],
    ["::/0"],
    ["[fe80::1]", "2001:db8::/33"],
]


def generated(count: int) -> list[str]:
    """Addresses put together from the parts that parsers have been known to disagree about; always the same ones."""
    dice = random.Random(5)
    schemes = ["http://"] * 9 + ["https://"] * 4
    schemes += ["HTTP://", "http:/", "http:", "http:///", "hTTps:\\\\", "javascript://", "ftp://"]
    hosts = [
        "a", "A", "plm.local", "x.plm.local", "local", "a.example", "192.168.0.9", "10.127.0.1", "10.128.0.1",
        "127.0.0.1", "0x7f.1", "1.2.3", "256.1.1.1", "[::1]", "[fe80::1]", "[FEBF::]", "[fec0::1]",
        "[2001:db8:7fff::1]", "[2001:db8:8000::1]", "[::ffff:a00:1]", "[1:2:3:4:5:6:7:8]", "[1:0:0:2::3]",
        "xn--3e0b707e.kr", "a.xn--3e0b707e.kr", "xn--a", "xn--", "한국.kr",
        "a.b.c.d", "a_b", "-a", "a-", "0", "00", "0x", "9a", "a.9", "",
    ]  # fmt: skip
    odd = [""] * 60
    odd += [".", "..", "@", "\\", "%2e", "%00", "\t", " ", "\u00ad", "\u3002", "\uff0f", "/", "?", "#", ":"]
    ports = ["", "", "", ":80", ":443", ":8080", ":8443", ":9", ":", ":0", ":080", ":65535", ":65536", ":x"]
    tails = ["", "/", "/a/b", "?q", "#f", "/../", "\\", "/\\", "@b/", "/@b", ";a", ".", "/한글", "/%zz", "/a b"]
    found: set[str] = set()
    while len(found) < count:
        parts = [dice.choice(schemes), dice.choice(odd), dice.choice(hosts), dice.choice(odd), dice.choice(ports)]
        url = "".join([*parts, dice.choice(tails)])
        if dice.random() < 0.2:
            at = dice.randrange(len(url))
            url = url[:at] + dice.choice(["\x00", "\n", "@", "[", "]", "\\", "\u200d", "İ", "%", "|"]) + url[at:]
        found.add(url)
    return sorted(found)


CASES = [*GOOD, *BAD, *generated(6_000)]


@pytest.fixture(scope="module")
def in_javascript() -> list[dict[str, Any]]:
    """What the pages' own function, as it is built, and the samples' make of every case."""
    files = [bundled() / "webaddress.mjs", ROOT / "web" / "clients" / "addresses.mjs"]
    told = subprocess.run(
        [node(), Path(__file__).with_name("webaddresses.mjs"), *files],
        input=json.dumps({"urls": CASES, "lists": [HostList(entries).entries for entries in LISTS]}),
        capture_output=True, text=True, encoding="utf-8", timeout=50, check=True,
    )  # fmt: skip
    answers: list[dict[str, Any]] = json.loads(told.stdout)
    return answers


@pytest.fixture(scope="module")
def sample() -> Any:
    """`web/clients/vooster_client.py`."""
    spec = importlib.util.spec_from_file_location("vooster_client", ROOT / "web" / "clients" / "vooster_client.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("url", "leads"), GOOD.items())
def test_a_plain_address_is_taken(url: str, leads: tuple[str, str, int]) -> None:
    assert web_address(url) == WebAddress(*leads)


@pytest.mark.parametrize("url", BAD)
def test_what_leaves_a_doubt_is_no_address(url: str) -> None:
    assert web_address(url) is None
    assert not HostList().opens(url)
    assert not HostList(["0.0.0.0/0", "::/0", "a", "b", "*.kr", "*.example"]).opens(url)


def test_pages_and_appliance_agree_and_both_mean_what_the_browser_opens(in_javascript: list[dict[str, Any]]) -> None:
    taken = 0
    for url, told in zip(CASES, in_javascript, strict=True):
        read = web_address(url)
        if read is None:
            assert told["read"] is None, url
            continue
        taken += 1
        if "xn--" in read.host and told["parsed"] is None:
            assert told["read"] is None, url  # no name at all: listed or not, browsers don't open it
            continue
        assert told["read"] == list(read), url
        assert told["parsed"] == [*read, ""], url
    assert taken > 500, "the cases hardly meet what is accepted"
    print(f"{len(CASES)} addresses, {taken} taken, {len(CASES) - taken} refused, by both alike")


def test_all_of_them_read_a_list_alike(in_javascript: list[dict[str, Any]], sample: Any) -> None:
    lists = [HostList(entries) for entries in LISTS]
    opened = 0
    for url, told in zip(CASES, in_javascript, strict=True):
        wanted = [hosts.opens(url) for hosts in lists]
        if told["read"] is None:
            assert not any(told["pages"]), url
            assert not (url.lower().lstrip().startswith(("javascript", "ftp", "data")) and any(told["clients"])), url
            continue
        opened += sum(wanted)
        assert told["pages"] == wanted, url
        assert told["clients"] == wanted, url
        assert [sample.may_open(url, hosts.entries) for hosts in lists] == wanted, url
    assert opened > 1_000


@pytest.mark.parametrize(
    ("entries", "opens", "refuses"),
    [
        ([], ["http://a/", "http://8.8.8.8/", "https://erp.example:8443/"], ["http://xn--3e0b707e.kr/"]),
        (["ERP.local"], ["http://erp.local/", "https://erp.local:99/"], ["http://a.erp.local/", "http://erp.locals/"]),
        (["erp:8080"], ["http://erp:8080/"], ["http://erp/", "https://erp/"]),
        (["erp:80", "erp:443"], ["http://erp/", "https://erp/"], ["http://erp:8080/"]),
        (
            ["*.local"],
            ["http://a.local/", "http://a.b.local/"],
            ["http://local/", "http://alocal/", "http://xn--a.local/"],
        ),
        (["xn--3e0b707e.kr"], ["http://xn--3e0b707e.kr/"], ["http://xn--3e0b707f.kr/", "http://a/"]),
        (["192.168.10.5"], ["http://192.168.10.5:81/"], ["http://192.168.10.50/", "http://erp/"]),
        (["192.168.10.5/24"], ["http://192.168.10.200/"], ["http://192.168.11.1/", "http://192.168.10.1.example/"]),
        (["fd00::/8", "::1"], ["http://[fd12::1]/", "http://[::1]/"], ["http://[fe80::1]/", "http://[::2]/"]),
        (["[0:0::1]:81"], ["http://[::1]:81/"], ["http://[::1]/"]),
    ],
)
def test_a_list_names_hosts(entries: list[str], opens: list[str], refuses: list[str]) -> None:
    settings.load(None, {}, {"documents": {"allowed_hosts": entries}})
    found = HostList(entries)
    assert [url for url in opens if not found.opens(url)] == []
    assert [url for url in refuses if found.opens(url)] == []


@pytest.mark.parametrize(
    "entry",
    [
        "", "http://erp/", "erp/", "erp:0", "erp:65536", "erp:x", "*", "*erp", "a.*", "*.*.a", "한국.kr", "a b", "a@b",
        "1.2.3", "01.2.3.4", "*.1.2.3.4", "0x7f.1", "[::1", "[::g]", "10.0.0.0/33", "a..b", "a.", ".a", "a" * 64,
        "erp,plm",
    ],
)  # fmt: skip
def test_what_names_no_host_stops_the_start_and_says_so(entry: str) -> None:
    with pytest.raises(Problem) as problem:
        settings.load(None, {}, {"documents": {"allowed_hosts": ["erp.local", entry]}})
    assert problem.value.code == "SETTINGS_INVALID"
    assert all("documents.allowed_hosts" in problem.value.actions()[language] for language in ("ko", "en"))
    with pytest.raises(ValueError, match=r".*"):
        HostList([entry])


@pytest.mark.parametrize("entry", ["[::ffff:102:304]", "::ffff:1.2.3.4", "[::1]:80", "1.2.3.4/32", "::/0", "A:1"])
def test_whatever_the_settings_take_is_a_list(entry: str) -> None:
    settings.load(None, {}, {"documents": {"allowed_hosts": [entry]}})
    assert len(HostList([entry]).entries) == 1
