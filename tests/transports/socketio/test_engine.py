"""One Engine.IO session without sockets: every rejection, the heartbeat and the upgrade, by the protocol's text."""

from __future__ import annotations

import json

import pytest

from appliance.transports.socketio.engine import POLLING, WEBSOCKET, Engine, Options, Rejection, check
from appliance.transports.socketio.engineio import ProtocolError

OPTIONS = Options(ping_interval=20, ping_timeout=5, bound=1000)


def why(session: Engine) -> str:
    return session.closed


def engine(transport: str = POLLING) -> Engine:
    return Engine("sid", transport, OPTIONS, 0.0)


@pytest.mark.parametrize(
    ("method", "query", "upgrade", "code"),
    [
        ("GET", {"transport": "polling"}, False, 5),
        ("GET", {"transport": "polling", "EIO": "3"}, False, 5),
        ("GET", {"transport": "polling", "EIO": "abc"}, False, 5),
        ("GET", {"EIO": "4"}, False, 0),
        ("GET", {"EIO": "4", "transport": "abc"}, False, 0),
        ("GET", {"EIO": "4", "transport": "webtransport"}, True, 0),
        ("GET", {"EIO": "4", "transport": "websocket"}, False, 3),
        ("GET", {"EIO": "4", "transport": "polling"}, True, 3),
        ("POST", {"EIO": "4", "transport": "polling"}, False, 2),
        ("PUT", {"EIO": "4", "transport": "polling"}, False, 2),
        ("PUT", {"EIO": "4", "transport": "polling", "sid": "x"}, False, 3),
        ("DELETE", {"EIO": "4", "transport": "polling", "sid": "x"}, False, 3),
    ],
)
def test_requests_that_are_refused(method: str, query: dict[str, str], upgrade: bool, code: int) -> None:
    with pytest.raises(Rejection) as refused:
        check(method, query, upgrade=upgrade)
    assert refused.value.code == code


def test_requests_that_are_taken() -> None:
    assert check("GET", {"EIO": "4", "transport": "polling"}, upgrade=False) == (POLLING, None)
    assert check("POST", {"EIO": "4", "transport": "polling", "sid": "x"}, upgrade=False) == (POLLING, "x")
    assert check("GET", {"EIO": "4", "transport": "websocket", "sid": "x"}, upgrade=True) == (WEBSOCKET, "x")


def test_the_handshake_says_everything() -> None:
    told = {"sid": "sid", "upgrades": ["websocket"], "pingInterval": 20000, "pingTimeout": 5000, "maxPayload": 1000000}
    assert json.loads(engine().handshake()[1:]) == told
    assert json.loads(engine(WEBSOCKET).handshake()[1:]) == {**told, "upgrades": []}


@pytest.mark.parametrize("packet", ["0{}", "2", "2probe", "5"])
def test_packets_that_are_not_for_clients(packet: str) -> None:
    with pytest.raises(ProtocolError):
        engine().receive(packet, 1.0)


def test_messages_go_up_and_the_rest_stays() -> None:
    session = engine()
    assert session.receive("4hello", 1.0) == "hello"
    assert session.receive("4", 1.0) == ""
    assert session.receive(b"\1", 1.0) == b"\1"
    assert session.receive("6", 1.0) is None
    assert session.receive("3", 1.0) is None


def test_it_pings_and_waits_for_the_answer() -> None:
    session = engine()
    session.beat(19.9)
    assert session.take() == [] and session.due == 20
    session.beat(20.0)
    assert session.take() == ["2"] and session.due == 25
    session.receive("3", 21.0)
    assert session.due == 40 and not session.closed
    session.beat(40.0)
    session.beat(45.0)
    assert session.take() == ["2"] and why(session) == "ping timeout"


def test_a_ping_out_of_turn_moves_the_next_one() -> None:
    session = engine()
    session.ping(10.0)
    session.ping(11.0)
    assert session.take() == ["2"] and session.due == 15
    session.receive("3", 12.0)
    assert session.due == 30
    session.receive("3", 13.0)  # nobody asked for it, but it is a sign of life
    assert session.due == 33


def test_a_check_that_comes_late_itself_judges_nobody() -> None:
    session = engine()
    session.beat(20.0)
    session.beat(29.0)  # the process stood still: the answer may lie unread
    assert not session.closed and session.due == 29.5
    session.beat(29.6)
    assert why(session) == "ping timeout"


def test_a_poll_takes_what_waits() -> None:
    session = engine()
    session.begin_poll()
    assert not session.ready
    session.send("4a")
    session.send(b"b")
    assert session.ready and session.end_poll() == ["4a", b"b"]
    assert session.buffered == 0


def test_two_polls_at_once_close_the_session() -> None:
    session = engine()
    session.begin_poll()
    with pytest.raises(Rejection):
        session.begin_poll()
    assert session.closed and session.ready and session.end_poll() == ["1"]
    with pytest.raises(Rejection):
        session.begin_poll()


def test_two_posts_at_once_close_the_session() -> None:
    session = engine()
    session.begin_post()
    with pytest.raises(Rejection):
        session.begin_post()
    assert session.closed
    session.end_post()
    with pytest.raises(Rejection):
        session.begin_post()


def test_a_client_that_closes_has_its_poll_let_go() -> None:
    session = engine()
    session.begin_poll()
    session.receive("1", 1.0)
    assert session.closed and session.ready and session.end_poll() == ["6"]


def test_last_words_wait_for_polls_and_the_farewell_comes_alone() -> None:
    session = engine()
    session.send("4bye")
    session.close("restart")
    session.begin_poll()
    assert session.ready and session.end_poll() == ["4bye"]
    assert not session.finished
    session.begin_poll()
    assert session.ready and session.end_poll() == ["1"]
    assert session.finished
    with pytest.raises(Rejection):
        session.begin_poll()


def test_an_upgrade_lets_polls_go_and_keeps_what_is_sent_meanwhile() -> None:
    session = engine()
    session.begin_probe()
    session.begin_poll()
    assert not session.ready
    assert session.probe("2probe") == "3probe"
    assert session.ready and session.end_poll() == ["6"]
    session.send("4a")
    session.begin_poll()
    assert session.end_poll() == ["4a"]
    session.send("4b")
    assert session.probe("5") is None
    assert session.transport == WEBSOCKET and session.take() == ["4b"]
    for refused in (session.begin_poll, session.begin_post, session.begin_probe):
        with pytest.raises(Rejection):
            refused()
    assert not session.closed


def test_nothing_takes_over_a_session_that_is_over() -> None:
    ended = engine(POLLING)
    ended.begin_probe()
    assert ended.probe("2probe") == "3probe"
    ended.close("transport close")
    with pytest.raises(ProtocolError):
        ended.probe("2probe")


def test_a_poll_that_outlives_the_upgrade_takes_nothing_from_the_websocket() -> None:
    session = engine()
    session.begin_poll()
    session.begin_probe()
    session.probe("2probe")
    session.probe("5")
    session.send("4a")
    assert session.end_poll() == ["6"] and session.take() == ["4a"]


@pytest.mark.parametrize("packets", [["5"], ["4a"], ["2"], ["2probe", "4a"], [b"2probe"]])
def test_probes_that_are_none(packets: list[str]) -> None:
    session = engine()
    session.begin_probe()
    with pytest.raises(ProtocolError):
        for packet in packets:
            session.probe(packet)
    session.end_probe()
    session.begin_probe()  # another WebSocket may try
    assert session.transport == POLLING


def test_only_one_websocket_probes_at_a_time() -> None:
    session = engine()
    session.begin_probe()
    with pytest.raises(Rejection):
        session.begin_probe()


def test_what_waits_for_a_slow_reader_is_bounded() -> None:
    session = engine()
    assert session.send("4" + "x" * 998)
    assert not session.send("4x")
    session.take()
    assert session.send("4" + "x" * 2000)  # one long message is nobody's slowness
    assert not session.send("4")


def test_whoever_talks_is_alive() -> None:
    session = engine(WEBSOCKET)
    session.beat(20.0)
    for message in ("4a", b"b"):
        session.receive(message, 24.0)
        session.beat(25.0)
        assert not session.closed and session.due == 29
    session.beat(29.0)
    assert why(session) == "ping timeout"


def test_an_answer_may_lie_behind_what_is_being_handled() -> None:
    session = engine()
    session.beat(20.0)
    session.beat(25.0, busy=True)
    assert not session.closed and session.due == 30
    session.begin_post()
    session.beat(30.0)
    assert not session.closed and session.due == 35
    session.end_post()
    session.beat(35.0)
    assert why(session) == "ping timeout"
