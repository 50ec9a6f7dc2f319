from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from appliance.core.networks import THIS_MACHINE
from appliance.edge.credentials import Credentials
from appliance.edge.outside import PROXY, Outside
from appliance.edge.urls import Urls
from appliance.settings import Server
from tests.gatehouse import BEST, opened


class Transport:
    """A connection from `address`, as far as a request asks about it."""

    def __init__(self, address: str) -> None:
        self._address = address

    def get_extra_info(self, name: str, default: object = None) -> object:
        return (self._address, 50_000) if name == "peername" else default


def request(address: str = "192.168.10.30", **headers: str) -> web.Request:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return make_mocked_request("GET", "/", headers=sent, transport=Transport(address))


def outside(*trusted: str, public_url: str = "", tls: bool = False) -> Outside:
    return Outside(Server(trusted_proxies=list(trusted), public_url=public_url), tls=tls)


def test_forwarding_headers_of_strangers_are_not_believed() -> None:
    forged = request("192.168.10.30", X_Forwarded_For="10.0.0.1")
    assert outside().address(forged) == "192.168.10.30"
    assert outside("192.168.10.2").address(forged) == "192.168.10.30"


def test_of_a_trusted_proxy_s_header_the_last_stranger_counts() -> None:
    behind = outside("192.168.10.2", "192.168.10.3")
    through = request("192.168.10.2", X_Forwarded_For="10.6.6.6, 192.168.10.30, 192.168.10.3")
    assert behind.address(through) == "192.168.10.30"
    assert behind.address(request("192.168.10.2")) == "192.168.10.2"


@pytest.mark.parametrize(
    ("hop", "client"),
    [
        ("192.168.10.30:50123", "192.168.10.30"),
        ("[fd00::9]:50123", "fd00::9"),
        ("[fd00::9]", "fd00::9"),
        ("fd00::9", "fd00::9"),
        ("FD00:0:0:0::0009", "fd00::9"),
        ("fd00::9%eth7", "fd00::9"),
        ("::ffff:192.168.10.30", "192.168.10.30"),
        ('"[fd00::9]:50123"', "fd00::9"),
        ('for="[FD00::9]:50123"', "fd00::9"),
        ("for=192.168.10.30", "192.168.10.30"),
        ("192.168.10.30:_hidden", "192.168.10.30"),
    ],
)
def test_a_port_behind_the_address_makes_nobody_new(hop: str, client: str) -> None:
    assert outside("192.168.10.2").address(request("192.168.10.2", X_Forwarded_For=hop)) == client


@pytest.mark.parametrize("hop", ["unknown", "_hidden", "local", "10.0.0.1.5", "x" * 500, "proxy", "[]", "%eth0"])
def test_what_is_no_address_is_its_proxy_s(hop: str) -> None:
    """Whatever a visitor makes up beside it: or else each try of his would be somebody else's."""
    one = outside("192.168.10.2", "127.0.0.1")
    assert one.address(request("192.168.10.2", X_Forwarded_For=f"10.6.6.6, {hop}")) == "192.168.10.2"
    assert one.address(request("127.0.0.1", X_Forwarded_For=f"10.6.6.6, {hop}")) == PROXY


def test_a_whole_network_may_be_trusted_and_however_it_is_spelt() -> None:
    one = outside("192.168.10.0/28", "FD00::0:2", "fd01::/64")
    hops = "10.6.6.6, 192.168.10.30, 192.168.10.3, fd01::7"
    for peer in ("192.168.10.2", "::ffff:192.168.10.2", "fd00::2", "fd01::9"):
        assert one.address(request(peer, X_Forwarded_For=hops)) == "192.168.10.30", peer
    for peer in ("192.168.10.16", "fd00::3"):
        assert one.address(request(peer, X_Forwarded_For=hops)) == peer


def test_a_peer_has_one_spelling() -> None:
    assert outside().address(request("::ffff:192.168.10.30")) == "192.168.10.30"


@pytest.mark.parametrize("said", ["127.0.0.1", "::1", "local", "[::1]:80", "127.0.0.1, 127.0.0.1"])
def test_nobody_who_comes_through_a_proxy_is_this_machine(said: str) -> None:
    through = request("127.0.0.1", X_Forwarded_For=said)
    assert outside("127.0.0.1").address(through) not in THIS_MACHINE
    assert outside().address(through) not in THIS_MACHINE


@pytest.mark.parametrize("peer", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "X-Forwarded-Proto"])
def test_a_proxy_of_this_machine_that_is_not_trusted_is_told_of_once(peer: str, header: str) -> None:
    told: list[int] = []
    one = Outside(Server(), tls=False, unnamed=lambda: told.append(1))
    assert one.address(request(peer)) == peer and not told
    assert {one.address(request(peer, **{header: "10.0.0.1"})) for _ in range(3)} == {PROXY}
    assert told == [1]
    assert one.address(request("192.168.10.30", **{header: "10.0.0.1"})) == "192.168.10.30"


PUBLIC = "https://orders.example"


@pytest.mark.parametrize(
    ("peer", "sent", "base"),
    [
        # A trusted proxy says how its visitor has come.
        ("192.168.10.2", {"Host": "orders.example", "X-Forwarded-Proto": "https"}, PUBLIC),
        ("192.168.10.2", {"Host": "orders.example", "X-Forwarded-Proto": "http"}, "http://orders.example"),
        ("192.168.10.2", {"Host": "other.example", "X-Forwarded-Proto": "HTTPS"}, "https://other.example"),
        ("192.168.10.2", {"Host": "other.example", "X-Forwarded-Proto": "https, http"}, "http://other.example"),
        ("192.168.10.2", {"Host": "other.example", "X-Forwarded-Proto": "javascript"}, "http://other.example"),
        # It has put our own address in place of the one that was opened.
        ("192.168.10.2", {"Host": "127.0.0.1:8480", "X-Forwarded-Proto": "https"}, PUBLIC),
        ("192.168.10.2", {"Host": "192.168.10.20:8480", "X-Forwarded-For": "10.0.0.1"}, PUBLIC),
        # Anybody else can say so.
        ("192.168.10.30", {"Host": "192.168.10.20:8480", "X-Forwarded-Proto": "https"}, "http://192.168.10.20:8480"),
        ("127.0.0.1", {"Host": "127.0.0.1:8480", "X-Forwarded-Proto": "https"}, "http://127.0.0.1:8480"),
        ("192.168.10.30", {"Host": "orders.example", "X-Forwarded-Proto": "http"}, PUBLIC),
        # The public address, by a proxy that says nothing, or isn't trusted.
        ("192.168.10.2", {"Host": "orders.example"}, PUBLIC),
        ("192.168.10.30", {"Host": "Orders.Example:443"}, PUBLIC),
        # Past the proxy.
        ("192.168.10.30", {"Host": "192.168.10.20:8480"}, "http://192.168.10.20:8480"),
        ("192.168.10.30", {"Host": "orders.example:8480"}, "http://orders.example:8480"),
        ("192.168.10.2", {"Host": "192.168.10.20:8480"}, "http://192.168.10.20:8480"),
    ],
)
def test_the_visitor_s_side_is_what_a_trusted_proxy_the_public_address_or_the_connection_says(
    peer: str, sent: dict[str, str], base: str
) -> None:
    one = outside("192.168.10.2", public_url=f"{PUBLIC}/")
    asked = request(peer, **sent)
    assert one.base(asked) == base
    assert one.is_secure(asked) is base.startswith("https:")


def test_two_values_are_none() -> None:
    headers = CIMultiDict([("Host", "other.example"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Proto", "https")])
    asked = make_mocked_request("GET", "/", headers=headers, transport=Transport("192.168.10.2"))
    assert outside("192.168.10.2").base(asked) == "http://other.example"


def test_a_public_address_with_a_port_is_known_without() -> None:
    one = outside(public_url="https://orders.example:8443")
    assert {one.base(request(Host=host)) for host in ("orders.example:8443", "orders.example")} == {
        "https://orders.example:8443"
    }


@pytest.mark.parametrize(
    ("host", "phone"),
    [
        ("127.0.0.1:8480", BEST),
        ("localhost:8480", BEST),
        ("vooster.local:8480", BEST),
        ("[::1]:8480", BEST),
        ("192.168.77.5:8480", "http://192.168.77.5:8480"),
    ],
)
def test_a_phone_gets_an_address_it_can_reach(host: str, phone: str) -> None:
    urls = Urls(best=lambda: BEST, public_url="", outside=outside())
    assert urls.for_phone(request(Host=host)) == phone
    assert urls.seen(request(Host=host)) == f"http://{host}"


def test_the_public_url_stands_for_all() -> None:
    public = "https://orders.factory.example/"
    urls = Urls(best=lambda: BEST, public_url=public, outside=outside(public_url=public))
    calls: list[Callable[[web.Request], str]] = [urls.seen, urls.for_phone]
    assert {call(request(Host="127.0.0.1:8480")) for call in calls} == {"https://orders.factory.example"}
    assert urls.best() == "https://orders.factory.example"


def test_a_phone_gets_the_name_that_a_proxy_answers_to() -> None:
    urls = Urls(best=lambda: BEST, public_url="", outside=outside("192.168.10.2"))
    through = request("192.168.10.2", Host="orders.example", X_Forwarded_Proto="https")
    assert urls.for_phone(through) == "https://orders.example"


async def test_under_tls_the_cookie_is_bound_to_the_host(tmp_path: Path) -> None:
    async with opened(tmp_path) as gate:
        credentials = Credentials(gate.auth, instance_id=gate.instance_id, outside=outside(tls=True))
        response = web.Response()
        credentials.set_cookie(request(), response, "value")
        cookie = response.cookies[f"__Host-vooster_{gate.instance_id[:8]}"]
        assert (cookie["secure"], cookie["httponly"], cookie["path"], cookie["domain"]) == (True, True, "/", "")
