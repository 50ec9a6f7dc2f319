"""What the appliance fetches by itself must not be led to where only it can go: by an address in the settings, a name's
answer, a redirect, or a part of an address. Nobody ever comes to the trap."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tests.corpus.cases import Attempt, Case, control, refused
from tests.corpus.estate import Estate
from tests.corpus.wires import Wires
from tests.corpus.yard import LOOPBACK, Names, Yard

_INWARD: Final = [
    "127.0.0.1", "127.0.0.2", "127.1.2.3", "127.255.255.254", "0.0.0.0", "0.0.0.1", "0.1.2.3", "169.254.0.1",
    "169.254.169.254",
    "169.254.169.253", "169.254.170.2", "100.100.100.200", "168.63.129.16", "192.0.0.192", "224.0.0.1", "224.0.0.251",
    "239.255.255.250",
    "240.0.0.1", "255.255.255.255",
]  # fmt: skip
_INWARD_6: Final = [
    "::1", "::", "fe80::1", "fe80::a9fe:a9fe", "febf::1", "ff02::1", "ff02::fb", "ff05::1:3", "ff0e::1",
    "fd00:ec2::254",
    "::2", "100::1", "1::1", "4000::1", "5f00::1",
]  # fmt: skip
_BAD_BASES: Final = [
    # What reads as an address somewhere, and as another here.
    "http://2130706433/", "http://0x7f000001/", "http://0x7f.0.0.1/", "http://0177.0.0.1/", "http://017700000001/",
    "http://127.1/",
    "http://127.0.1/", "http://0/", "http://127.0.0.1./", "http://127.000.000.001/", "http://127.0.0.1.1/",
    "http://2852039166/",
    "http://0xa9fea9fe/", "http://169.254.43518/", "http://0251.0376.0251.0376/", "http://169.254.169.254./",
    "http://１２７.0.0.1/",
    "http://127。0。0。1/", "http://①②⑦.0.0.1/", "http://[::ffff:127.0.0.1]/", "http://[::FFFF:7f00:1]/",
    "http://[0:0:0:0:0:ffff:7f00:1]/",
    "http://[::1%25lo]/", "http://[::1%lo]/", "http://[0::1]/", "http://[::0001]/", "http://::1/", "http://[::1/",
    "http://[]/",
    # No plain address.
    "ftp://erp.example/", "file:///etc/passwd", "gopher://erp.example/", "dict://erp.example:11211/",
    "ldap://erp.example/", "unix:/run/x.sock",
    "http+unix://%2frun%2fdocker.sock/", "javascript:1", "data:,x", "jar:http://erp.example!/", "ws://erp.example/",
    "erp.example", "//erp.example/",
    "http:erp.example", "http:/erp.example", "http:///erp.example", "http:\\\\erp.example", "http://", "", " ",
    " http://erp.example/",
    "http://erp.example/ ", "http://erp.example/\n", "ht\ntp://erp.example/", "http://erp.example/?a=b",
    "http://erp.example/#x", "http://erp.example?",
    "http://user@erp.example/", "http://user:pw@erp.example/", "http://erp.example@127.0.0.1/",
    "http://127.0.0.1@erp.example/", "http://@erp.example/",
    "http://erp.example:0/", "http://erp.example:65536/", "http://erp.example:x/", "http://erp.example:/",
    "http://erp.example\\@127.0.0.1/",
    "http://erp..example/", "http://.erp.example/", "http://erp.example./", "http://%65rp.example/",
    "http://erp.example%00/", "http://erp%2eexample/",
    "http://erp.example\x00.evil/", "http://erp.example\r\nX: y/", "http://erp.example/\r\nX: y",
    "http://erp.example/\u202e",
]  # fmt: skip
_PARTS: Final = [
    "..", ".", "", "../x", "x/..", "a/../../x", "a/./b", "..\\x", "a\\..\\b", "x\\..", ".\\x", "\\..", "/..", "../",
    "./", "/.", "../../../../etc/passwd",
    "..\\..\\windows\\win.ini", "a/..\\b", "a\\../b", "//../x", "x/../../y", "../..", "\\\\..\\", "a/b/../c",
]  # fmt: skip
_STATUSES: Final = (301, 302, 303, 307, 308)


def _elsewhere(yard: Yard) -> list[str]:
    """Where a redirect may not lead: every one of them is another scheme, host or port."""
    own, trap = yard.sends_on, yard.trap
    return [
        f"http://127.0.0.1:{trap}/", f"//127.0.0.1:{trap}/", f"HTTP://127.0.0.1:{trap}",
        f"http://127.0.0.1:{trap}@127.0.0.1:{own}/",
        f"http://127.0.0.1:{own}@127.0.0.1:{trap}/", f"http://x@127.0.0.1:{own}/", f"http://:@127.0.0.1:{own}/",
        f"http://localhost:{own}/",
        f"http://localhost:{trap}/", f"https://127.0.0.1:{own}/", f"http://127.0.0.2:{own}/", f"http://127.1:{own}/",
        f"http://2130706433:{own}/",
        f"http://0x7f.1:{own}/", f"http://0177.0.0.1:{trap}/", f"http://127.0.0.1.:{own}/", f"http://[::1]:{trap}/",
        f"http://[::ffff:127.0.0.1]:{own}/",
        f"http://[::ffff:7f00:1]:{trap}/", f"http://0.0.0.0:{trap}/", f"http://0:{trap}/", f"http://[::]:{trap}/",
        "http://127.0.0.1/",
        "http://169.254.169.254/latest/meta-data/", "http://[fd00:ec2::254]/", "http://metadata.google.internal/",
        "http://100.100.100.200/",
        "http://erp.example/", f"http://127.0.0.1.evil.example:{own}/", f"http://evil.example#@127.0.0.1:{own}/",
        f"http://127.0.0.1:{own}.evil.example/",
        f"http://127.0.0.1:0{own}/", f"http://127.0.0.1:{own + 65536}/", "http://127.0.0.1:x/", "http://[::1/",
        "https:",
        f"http:\\\\127.0.0.1:{trap}\\", f"http://127.0.0.1:{own}\\@127.0.0.1:{trap}/",
        f"http://127.0.0.1:{trap}\\@127.0.0.1:{own}/",
        f"http://１２７.0.0.1:{trap}/", f"http://127。0。0。1:{trap}/",
        f"ftp://127.0.0.1:{own}/", f"ws://127.0.0.1:{own}/", "file:///etc/passwd", f"file://127.0.0.1:{own}/x",
        "javascript:1", "data:,x", "about:blank",
        f"gopher://127.0.0.1:{trap}/_x", f"dict://127.0.0.1:{trap}/x", "unix:///run/docker.sock",
        f"jar:http://127.0.0.1:{own}!/", "mailto:a@b", "blob:x",
    ]  # fmt: skip


def cases(estate: Estate) -> Iterator[Case]:
    yard = estate.yard
    several = ("refused address", "failed It can't be reached: ClientConnectorError.")
    """With several addresses the client may sum up why it came to none of them."""
    for ip in (*_INWARD, *_as_6(_INWARD), *_INWARD_6):
        literal = f"http://[{ip}]:{yard.trap}/" if ":" in ip else f"http://{ip}:{yard.trap}/"
        yield refused(f"{ip} in the settings", _fetch(yard, literal), "refused SETTINGS_INVALID")
        named = f"http://erp.example:{yard.trap}/orders"
        yield refused(f"a name that is at {ip}", _fetch(yard, named, Names(ip)), "refused address")
        yield refused(
            f"a name that is at {ip}, asked to take something", _post(yard, named, Names(ip)), "refused address"
        )
        yield refused(f"a name that is at {ip} and 127.0.0.1", _fetch(yard, named, Names(ip, "127.0.0.1")), *several)
    for ip in ("fe80::1%lo", "fe80::1%1", "::1%lo"):
        named = f"http://erp.example:{yard.trap}/"
        yield refused(f"a name that is at {ip}", _fetch(yard, named, Names(ip)), "refused address")
    for base in _BAD_BASES:
        yield refused(f"{base!r} in the settings", _fetch(yard, base), "refused SETTINGS_INVALID")
    for there in _elsewhere(yard):
        for status in _STATUSES:
            yield refused(f"sent on to {there!r} by {status}", _sent_on(yard, there, status), "refused redirect")
    for status in _STATUSES:
        taken = _sent_on(yard, "/inside", status, body=b"{}")
        yield refused(f"sent on with what it brings by {status}", taken, "refused redirect")
    own = f"http://127.0.0.1:{yard.sends_on}/erp"
    for part in _PARTS:
        yield refused(f"the part {part!r}", _part(yard, own, part), "refused VALIDATION_ERROR")
        yield refused(f"the part {part!r} behind another", _part(yard, own, "orders", part), "refused VALIDATION_ERROR")
        yield refused(f"the part {part!r} before another", _part(yard, own, part, "x"), "refused VALIDATION_ERROR")
    yield control("what the settings name", _part(yard, own, "orders", "ORD-1001"))
    for there in (
        "/inside",
        "inside",
        f"http://127.0.0.1:{yard.sends_on}/inside",
        f"///127.0.0.1:{yard.trap}/",
        "http:///inside",
    ):
        yield control(f"a redirect to {there!r}, which is within it", _sent_on(yard, there, 302))
    yield control("an order that looks like an address", _part(yard, own, f"http://127.0.0.1:{yard.trap}/"))


def _as_6(inward: list[str]) -> list[str]:
    """The same in IPv6's clothes: mapped, compatible, NAT64, 6to4."""
    found = []
    for ip in inward:
        a, b, c, d = map(int, ip.split("."))
        high, low = f"{a << 8 | b:x}", f"{c << 8 | d:x}"
        found += [f"::ffff:{high}:{low}", f"64:ff9b::{high}:{low}", f"2002:{high}:{low}::1"]
        if a:  # else it is one of IPv6's own
            found.append(f"::{high}:{low}")
    return found


def _fetch(yard: Yard, base: str, resolver: Names | None = None) -> Attempt:
    async def attempt(_wires: Wires) -> str:
        return await yard.fetch(base, "x", resolver=resolver)

    return attempt


def _post(yard: Yard, base: str, resolver: Names) -> Attempt:
    async def attempt(_wires: Wires) -> str:
        return await yard.fetch(base, "x", body=b"{}", resolver=resolver)

    return attempt


def _part(yard: Yard, base: str, *parts: str) -> Attempt:
    async def attempt(_wires: Wires) -> str:
        return await yard.fetch(base, *parts, allowed=LOOPBACK)

    return attempt


def _sent_on(yard: Yard, there: str, status: int, body: bytes | None = None) -> Attempt:
    async def attempt(_wires: Wires) -> str:
        base = f"http://127.0.0.1:{yard.sends_on}"
        if body is None:
            return await yard.fetch(base, "on", query={"to": there, "status": str(status)}, allowed=LOOPBACK)
        return await yard.fetch(base, "by", str(status), body=body, allowed=LOOPBACK)

    return attempt
