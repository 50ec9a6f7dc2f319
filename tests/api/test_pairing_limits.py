"""What strangers and guessers can do to pairing: nothing to anybody but themselves."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from appliance.core.networks import OF_A_NETWORK
from appliance.core.screens import Client
from appliance.errors import Problem
from appliance.relay import codes
from appliance.relay.pairing import WRONG_CODES, WRONG_OFFERS, WRONG_SECRETS, Pairings
from tests.api.test_pairing import BEGIN, approve, begin, claim, device, offer, paired, poll, works
from tests.gatehouse import Gatehouse, fixture_gate  # noqa: F401
from tests.support.held import Held
from tests.support.house import until

HERE = "127.0.0.1"
"""Where the calls of these tests come from."""


def flood(gate: Gatehouse, number: int, address: str = "10.9.{}.{}") -> None:
    """So many codes that nobody is there for, each from an address of its own unless there is only one."""
    for each in range(number):
        gate.pairings.begin(Client(), [], address=address.format(each // 250, each % 250))


async def test_a_flood_from_everywhere_keeps_no_monitor_from_its_code(gate: Gatehouse) -> None:
    admin = await gate.admin()
    flood(gate, codes.MAX_WAITING)
    gate.now.forward(seconds=31)
    real = await begin(gate)
    flood(gate, 500, "10.8.{}.{}")  # the silent ones go first, so this one is still there
    assert (await poll(gate, real)).json == {"error": "authorization_pending"}
    assert len(gate.pairings.waiting()) == codes.MAX_WAITING
    assert (await approve(admin, real)).status == 200
    assert (await poll(gate, real)).status == 200


async def test_whoever_has_the_most_loses_first(gate: Gatehouse) -> None:
    real = await begin(gate)
    for number in range(codes.MAX_WAITING):  # all of them are young: 20 from each of fifty addresses, and more
        gate.pairings.begin(Client(), [], address=f"2001:db8:0:{number % 60:x}::{number:x}")
        gate.now.forward(seconds=0.02)
    gate.now.forward(seconds=2)
    assert (await poll(gate, real)).json == {"error": "authorization_pending"}


async def test_a_network_of_ipv6_counts_as_one_stranger_when_room_is_short(gate: Gatehouse) -> None:
    real = await begin(gate)
    for number in range(codes.MAX_WAITING + 50):  # of which each is another address
        gate.pairings.begin(Client(), [], address=f"2001:db8::{number:x}")
    assert (await poll(gate, real)).json == {"error": "authorization_pending"}


@pytest.mark.parametrize("address", ["2001:db8::{:x}", "10.0.0.7"])
async def test_a_hall_of_new_monitors_keeps_its_codes(gate: Gatehouse, address: str) -> None:
    for number in range(100):  # of one network, or behind one address
        gate.pairings.begin(Client(), [], address=address.format(number))
    assert len(gate.pairings.waiting()) == 100


async def test_a_code_that_a_supervisor_has_looked_at_stays(gate: Gatehouse) -> None:
    admin = await gate.admin()
    looked_at = await begin(gate)
    assert (await admin.call("GET", f"/api/pairing/device/{looked_at['user_code']}")).status == 200
    flood(gate, codes.MAX_PER_ADDRESS + 5, HERE)
    gate.now.forward(minutes=1)
    flood(gate, codes.MAX_WAITING)
    assert (await approve(admin, looked_at)).status == 200
    assert (await poll(gate, looked_at)).status == 200


async def test_an_address_that_asks_too_often_pauses_and_nobody_else(gate: Gatehouse) -> None:
    await begin(gate)
    flood(gate, codes.BURST - 1, HERE)
    refused = await gate.call("POST", "/api/pairing/device", BEGIN)
    assert (refused.status, refused.code) == (429, "RATE_LIMITED")
    assert refused.headers["Retry-After"] == "1"
    gate.pairings.begin(Client(), [], address="10.0.0.7")
    gate.now.forward(seconds=1)
    await begin(gate)


async def test_a_network_of_ipv6_that_asks_too_often_pauses_and_nobody_else(
    gate: Gatehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(codes, "MAX_WAITING", 10)  # none of them is needed
    for number in range(codes.BURST * OF_A_NETWORK):  # of which each is another address
        gate.pairings.begin(Client(), [], address=f"2001:db8::{number:x}")
    with pytest.raises(Problem, match="RATE_LIMITED"):
        gate.pairings.begin(Client(), [], address="2001:db8::ffff")
    gate.pairings.begin(Client(), [], address="2001:db8:0:1::1")
    gate.now.forward(seconds=1)
    gate.pairings.begin(Client(), [], address="2001:db8::ffff")


async def test_without_limits_nobody_pauses(gate: Gatehouse) -> None:
    free = Pairings(
        gate.database,
        gate.screens,
        gate.auth,
        gate.refusals,
        instance_id=gate.instance_id,
        now=gate.now,
        limited=False,
    )
    for _ in range(codes.MAX_WAITING + 50):
        free.begin(Client(), [], address="10.0.0.7")
    assert len(free.waiting()) == codes.MAX_WAITING  # the memory stays bounded all the same
    for _ in range(WRONG_OFFERS + 5):
        with pytest.raises(Problem, match="PAIRING_EXPIRED"):
            await free.claim("S-1", "guessed", Client(), [], address="10.0.0.7", server_url="")


async def test_who_guesses_codes_pauses_alone(gate: Gatehouse) -> None:
    admin, other = await gate.admin(), await gate.user("lee", "supervisor")
    waiting = await begin(gate)
    for number in range(WRONG_CODES):
        code = "BCDF" + "BCDFGHJKLMNPQRSTVWXZ"[number] * 4
        refused = await other.call("POST", "/api/pairing/deny", {"user_code": code})
        assert refused.status in {400, 410}
    for call in (
        other.call("GET", f"/api/pairing/device/{waiting['user_code']}"),
        other.call("POST", "/api/pairing/deny", {"user_code": waiting["user_code"]}),
        approve(other, waiting),
    ):
        paused = await call
        assert (paused.status, paused.code) == (429, "RATE_LIMITED")
        assert int(paused.headers["Retry-After"]) > 0
    assert (await approve(admin, waiting)).status == 200
    gate.now.forward(minutes=1)
    assert (await other.call("GET", f"/api/pairing/device/{(await begin(gate))['user_code']}")).status == 200


async def test_wrong_offers_make_an_address_pause_and_keep_no_right_one_out_behind_it(gate: Gatehouse) -> None:
    admin = await gate.admin()
    good = (await offer(admin)).json["token"]
    for _ in range(WRONG_OFFERS):
        assert (await claim(gate, "guessed")).code == "PAIRING_EXPIRED"
    assert (await claim(gate, "guessed")).code == "RATE_LIMITED"
    assert (await claim(gate, good)).status == 200
    assert (await claim(gate, good)).code == "RATE_LIMITED"  # it is used up, and so it is unknown
    gate.now.forward(minutes=1)
    assert (await claim(gate, "guessed")).code == "PAIRING_EXPIRED"


async def test_wrong_secrets_hold_up_nobody_who_has_a_right_one_behind_the_same_address(gate: Gatehouse) -> None:
    admin = await gate.admin()
    first = await paired(gate, admin)
    second = await paired(gate, admin, "SCREEN-002")
    for _ in range(WRONG_SECRETS):
        assert (await device(gate, {**first, "deviceSecret": "guessed"})).code == "TOKEN_INVALID"
    guessed = {**first, "deviceSecret": "guessed"}
    assert (await device(gate, guessed)).code == "RATE_LIMITED"
    assert (await device(gate, {**first, "deviceSecret": second["deviceSecret"]})).code == "RATE_LIMITED"
    assert (await device(gate, second)).status == 200
    renewed = (await device(gate, first)).json
    assert (await device(gate, renewed)).status == 200
    assert (await device(gate, first)).code == "TOKEN_INVALID"  # that is a clone, and is told of
    assert gate.screens.require("SCREEN-001").cloned_from == HERE
    gate.now.forward(minutes=1)
    assert (await device(gate, guessed)).code == "TOKEN_INVALID"


async def test_wrong_refresh_tokens_hold_up_nobody_who_has_the_right_one_at_the_same_time(gate: Gatehouse) -> None:
    admin = await gate.admin()
    pairing = await paired(gate, admin)
    body = {"refreshToken": pairing["refreshToken"]}
    answers = await asyncio.gather(*(gate.call("POST", "/api/auth/refresh", body) for _ in range(120)))
    assert {answer.status for answer in answers} == {200}
    wrong = [await gate.call("POST", "/api/auth/refresh", {"refreshToken": "guessed"}) for _ in range(101)]
    assert [answer.status for answer in wrong] == [401] * 100 + [429]
    right = (await gate.call("POST", "/api/auth/refresh", body)).json["refreshToken"]
    assert (await gate.call("POST", "/api/auth/refresh", {"refreshToken": right})).status == 200
    assert (await gate.call("POST", "/api/auth/refresh", {"refreshToken": "guessed"})).status == 429
    assert (await gate.call("POST", "/api/auth/refresh", body)).code == "TOKEN_INVALID"  # that is used, and ends all


# Single use and races.


async def test_two_approvals_at_once_make_one_pairing(gate: Gatehouse) -> None:
    admin = await gate.admin()
    waiting = await begin(gate)
    answers = await asyncio.gather(*(approve(admin, waiting, f"SCREEN-00{number}") for number in range(4)))
    assert sorted(answer.status for answer in answers) == [200, 410, 410, 410]
    (made,) = [answer.json["screenId"] for answer in answers if answer.status == 200]
    assert (await poll(gate, waiting)).json["screenId"] == made
    assert [screen.screen_id for screen in gate.screens.all() if screen.paired] == [made]


async def test_a_screen_that_leaves_his_lines_while_he_waits_is_no_more_his_to_give(gate: Gatehouse) -> None:
    await gate.admin()
    await gate.screens.add("SCREEN-001", actor="user:kim", groups=["line-1"])
    lee = await gate.user("lee", "supervisor", ["line-1"])
    made = (await offer(lee)).json["token"]
    waiting = await begin(gate)
    held = Held(gate.database)
    await held.begun()
    moving = asyncio.create_task(gate.screens.update("SCREEN-001", actor="user:kim", groups=["line-2"]))
    await asyncio.sleep(0)
    approval = asyncio.create_task(approve(lee, waiting))
    await until(gate.pairings._lock.locked)
    await held.release()
    await moving
    assert (await approval).code == "PERMISSION_DENIED"
    assert not gate.screens.require("SCREEN-001").paired
    assert (await claim(gate, made)).code == "PAIRING_EXPIRED"


async def test_a_supervisor_who_is_limited_while_he_waits_gives_no_more_than_he_may(gate: Gatehouse) -> None:
    await gate.admin()
    await gate.screens.add("SCREEN-001", actor="user:kim", groups=["line-1"])
    lee = await gate.user("lee", "supervisor")
    waiting = await begin(gate)
    async with gate.pairings._lock:
        approval = asyncio.create_task(approve(lee, waiting))
        await until(lambda: gate.pairings._lock._waiters)
        await gate.people.change_user("lee", actor="user:kim", groups=["line-2"])
    assert (await approval).code == "TOKEN_EXPIRED"
    assert not gate.screens.require("SCREEN-001").paired


async def test_of_a_denial_and_an_approval_at_once_one_counts(gate: Gatehouse) -> None:
    admin = await gate.admin()
    for number in range(6):
        waiting = await begin(gate)
        deny = admin.call("POST", "/api/pairing/deny", {"user_code": waiting["user_code"]})
        approval = approve(admin, waiting, f"SCREEN-{number}")
        both = [deny, approval] if number % 2 else [approval, deny]
        answers = sorted(answer.status for answer in await asyncio.gather(*both))
        told = await poll(gate, waiting)
        screen = gate.screens.get(f"SCREEN-{number}")
        if told.status == 200:
            assert answers == [200, 410]
            assert screen is not None
            assert screen.paired
        else:
            assert told.json == {"error": "access_denied"}
            assert answers == [204, 403]
            assert screen is None


async def test_a_code_that_ends_while_it_is_approved_is_good_or_over_for_both(gate: Gatehouse) -> None:
    admin = await gate.admin()
    waiting = await begin(gate)
    gate.now.forward(minutes=9, seconds=59)
    approval = asyncio.ensure_future(approve(admin, waiting))
    await asyncio.sleep(0.01)
    gate.now.forward(seconds=30)
    told = await approval
    if told.status == 200:
        assert (await poll(gate, waiting)).status == 200
    else:
        assert told.code == "PAIRING_EXPIRED"
        assert (await poll(gate, waiting)).json == {"error": "expired_token"}
        assert "SCREEN-001" not in gate.screens


async def test_a_held_poll_hears_of_the_codes_end_at_once(gate: Gatehouse) -> None:
    waiting = await begin(gate)
    gate.now.forward(minutes=9, seconds=57)
    held = asyncio.ensure_future(poll(gate, waiting, wait=20))
    await asyncio.sleep(0.05)
    gate.now.forward(seconds=2)
    began = asyncio.get_running_loop().time()
    assert (await held).json == {"error": "expired_token"}
    assert asyncio.get_running_loop().time() - began < 2


async def test_after_a_crash_between_approval_and_first_use_a_person_gets_on(gate: Gatehouse) -> None:
    """The code lived in memory. The monitor starts over, and the supervisor is asked whether to replace."""
    admin = await gate.admin()
    waiting = await begin(gate)
    assert (await approve(admin, waiting)).status == 200
    lost = (await poll(gate, waiting)).json
    await gate.restart()
    assert (await poll(gate, waiting)).json == {"error": "invalid_grant"}
    assert await works(gate, lost)  # had it been collected, it would be good
    again = await begin(gate)
    assert (await approve(admin, again)).code == "SCREEN_ALREADY_PAIRED"
    assert (await approve(admin, again, replace=True)).status == 200
    pairing = (await poll(gate, again)).json
    assert await works(gate, pairing)
    assert not await works(gate, lost)


@pytest.mark.parametrize("wrong", [{"device_code": "x" * 10_000}, {"device_code": "\x00"}, {"device_code": "한글"}])
async def test_no_device_code_is_too_strange_to_be_refused(gate: Gatehouse, wrong: dict[str, Any]) -> None:
    answer = await gate.call("POST", "/api/pairing/token", wrong)
    assert (answer.status, answer.json) == (400, {"error": "invalid_grant"})
