from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from appliance.edge.credentials import Credentials
from appliance.edge.local import client_address
from appliance.edge.urls import Urls
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


def test_forwarding_headers_of_strangers_are_not_believed() -> None:
    forged = request("192.168.10.30", X_Forwarded_For="10.0.0.1")
    assert client_address(forged, frozenset()) == "192.168.10.30"
    assert client_address(forged, frozenset({"192.168.10.2"})) == "192.168.10.30"


def test_of_a_trusted_proxy_s_header_the_last_stranger_counts() -> None:
    proxies = frozenset({"192.168.10.2", "192.168.10.3"})
    through = request("192.168.10.2", X_Forwarded_For="10.6.6.6, 192.168.10.30, 192.168.10.3")
    assert client_address(through, proxies) == "192.168.10.30"
    assert client_address(request("192.168.10.2"), proxies) == "192.168.10.2"


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
    urls = Urls(best=lambda: BEST, public_url="", tls=False)
    assert urls.for_phone(request(Host=host)) == phone
    assert urls.seen(request(Host=host)) == f"http://{host}"


def test_the_public_url_stands_for_all() -> None:
    urls = Urls(best=lambda: BEST, public_url="https://orders.factory.example/", tls=False)
    calls: list[Callable[[web.Request], str]] = [urls.seen, urls.for_phone]
    assert {call(request(Host="127.0.0.1:8480")) for call in calls} == {"https://orders.factory.example"}
    assert urls.best() == "https://orders.factory.example"


async def test_under_tls_the_cookie_is_bound_to_the_host(tmp_path: Path) -> None:
    async with opened(tmp_path) as gate:
        credentials = Credentials(gate.auth, instance_id=gate.instance_id, tls=True)
        response = web.Response()
        credentials.set_cookie(response, "value")
        cookie = response.cookies[f"__Host-vooster_{gate.instance_id[:8]}"]
        assert (cookie["secure"], cookie["httponly"], cookie["path"], cookie["domain"]) == (True, True, "/", "")
