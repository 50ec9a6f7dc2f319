from __future__ import annotations

import asyncio
import base64
from typing import Any

import pytest

from appliance.core.screens import Client
from appliance.relay.codes import MAX_PER_ADDRESS
from tests.gatehouse import (
    BEST,
    Answer,
    Browser,
    Gatehouse,
    fixture_gate,  # noqa: F401
)

BEGIN = {
    "client": {"name": "Chromium", "version": "156"},
    "displays": [{"index": 1, "bounds": {"left": 1920, "top": 0, "width": 1920, "height": 1080}, "primary": False}],
}
MEMBERS = {"screenId", "accessToken", "refreshToken", "expiresIn", "deviceSecret", "serverUrl", "instanceId"}


async def begin(gate: Gatehouse) -> dict[str, Any]:
    answer = await gate.call("POST", "/api/pairing/device", BEGIN)
    assert answer.status == 200, answer.text
    body: dict[str, Any] = answer.json
    return body


async def poll(gate: Gatehouse, device: dict[str, Any], **more: Any) -> Answer:
    gate.now.forward(seconds=2)
    return await gate.call("POST", "/api/pairing/token", {"device_code": device["device_code"], **more})


async def approve(by: Browser, device: dict[str, Any], screen: str = "SCREEN-001", **more: Any) -> Answer:
    code = device["user_code"]
    body = {"user_code": code, "confirm": code[-4:], "screenId": screen, **more}
    return await by.call("POST", "/api/pairing/approve", body)


async def paired(gate: Gatehouse, by: Browser, screen: str = "SCREEN-001", **more: Any) -> dict[str, Any]:
    device = await begin(gate)
    answer = await approve(by, device, screen, **more)
    assert answer.status == 200, answer.text
    pairing: dict[str, Any] = (await poll(gate, device)).json
    return pairing


async def device(gate: Gatehouse, pairing: dict[str, Any]) -> Answer:
    body = {"screenId": pairing["screenId"], "deviceSecret": pairing["deviceSecret"]}
    return await gate.call("POST", "/api/auth/device", body)


async def works(gate: Gatehouse, pairing: dict[str, Any]) -> bool:
    answer = await gate.call("GET", "/api/me", bearer=pairing["accessToken"])
    return answer.status == 200 and answer.json["screenId"] == pairing["screenId"]


async def test_a_monitor_s_code_is_approved_and_becomes_a_pairing(gate: Gatehouse) -> None:
    admin = await gate.admin()
    supervisor = await gate.user("lee", "supervisor")
    asked = await begin(gate)
    assert (asked["expires_in"], asked["interval"], asked["plant"]) == (600, 2, "1공장")
    assert asked["verification_uri_complete"] == f"{BEST}/approve#{asked['user_code']}"
    assert asked["qr"]["svg"].startswith("<svg")
    assert (await poll(gate, asked)).json == {"error": "authorization_pending"}

    seen = (await supervisor.call("GET", f"/api/pairing/device/{asked['user_code'].lower()}")).json
    assert seen["client"] == BEGIN["client"]
    assert seen["displays"][0]["bounds"]["width"] == 1920
    assert (seen["address"], seen["expiresAt"] - seen["createdAt"]) == ("127.0.0.1", 600_000)

    approved = await approve(supervisor, asked, name="절단 1")
    assert approved.json == {"screenId": "SCREEN-001", "name": "절단 1"}
    answer = await poll(gate, asked)
    assert answer.status == 200
    pairing = answer.json
    assert set(pairing) == MEMBERS
    assert (pairing["serverUrl"], pairing["instanceId"]) == (gate.url, gate.instance_id)

    again = (await poll(gate, asked)).json
    assert again == pairing  # the answer may have been lost
    assert await works(gate, pairing)
    assert (await poll(gate, asked)).json == {"error": "invalid_grant"}
    assert ("user:lee", "pairing.approve", "SCREEN-001") in await gate.audit()
    assert admin.csrf


async def test_a_poll_may_wait_for_the_decision(gate: Gatehouse) -> None:
    admin = await gate.admin()
    asked = await begin(gate)
    waiting = asyncio.create_task(poll(gate, asked, wait=20))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    await approve(admin, asked)
    answer = await asyncio.wait_for(waiting, 2)
    assert answer.json["screenId"] == "SCREEN-001"


async def test_polling_too_fast_is_slowed_down(gate: Gatehouse) -> None:
    asked = await begin(gate)
    body = {"device_code": asked["device_code"]}
    assert (await gate.call("POST", "/api/pairing/token", body)).json == {"error": "authorization_pending"}
    fast = await gate.call("POST", "/api/pairing/token", body)
    assert (fast.status, fast.json) == (400, {"error": "slow_down"})
    assert (await poll(gate, asked)).json == {"error": "slow_down"}
    gate.now.forward(seconds=12)
    assert (await poll(gate, asked)).json == {"error": "authorization_pending"}
    unknown = await gate.call("POST", "/api/pairing/token", {"device_code": "x" * 43})
    assert (unknown.status, unknown.json) == (400, {"error": "invalid_grant"})


async def test_a_code_ends_after_ten_minutes(gate: Gatehouse) -> None:
    admin = await gate.admin()
    asked = await begin(gate)
    gate.now.forward(minutes=10)
    assert (await poll(gate, asked)).json == {"error": "expired_token"}
    assert (await admin.call("GET", f"/api/pairing/device/{asked['user_code']}")).code == "PAIRING_EXPIRED"
    late = await approve(admin, asked)
    assert (late.status, late.code) == (410, "PAIRING_EXPIRED")
    assert (await admin.call("GET", "/api/pairing/devices")).json["items"] == []


async def test_approved_in_the_last_second_it_can_still_be_collected(gate: Gatehouse) -> None:
    admin = await gate.admin()
    asked = await begin(gate)
    gate.now.forward(minutes=9, seconds=59)
    assert (await approve(admin, asked)).status == 200
    assert (await poll(gate, asked)).status == 200


async def test_denied_is_denied(gate: Gatehouse) -> None:
    admin = await gate.admin()
    asked = await begin(gate)
    assert (await admin.call("POST", "/api/pairing/deny", {"user_code": asked["user_code"]})).status == 204
    assert (await poll(gate, asked)).json == {"error": "access_denied"}
    assert (await approve(admin, asked)).code == "PAIRING_DENIED"
    assert ("user:kim", "pairing.deny", asked["user_code"][:4]) in await gate.audit()


async def test_the_fifth_wrong_confirmation_ends_the_code(gate: Gatehouse) -> None:
    admin = await gate.admin()
    asked = await begin(gate)
    wrong = {"confirm": "BBBB" if not asked["user_code"].endswith("BBBB") else "CCCC"}
    for _ in range(4):
        refused = await approve(admin, asked, **wrong)
        assert (refused.status, refused.code) == (400, "CONFIRM_MISMATCH")
    assert (await approve(admin, asked, **wrong)).code == "PAIRING_EXPIRED"
    assert (await approve(admin, asked)).code == "PAIRING_EXPIRED"
    assert (await poll(gate, asked)).json == {"error": "expired_token"}


async def test_the_list_tells_only_first_halves_and_the_rest_is_read_off_the_monitor(gate: Gatehouse) -> None:
    admin = await gate.admin()
    asked = await begin(gate)
    first, second = asked["user_code"].split("-")
    listed = await admin.call("GET", "/api/pairing/devices")
    assert [item["user_code_prefix"] for item in listed.json["items"]] == [first]
    by_half = await admin.call("GET", f"/api/pairing/device/{first}")
    assert by_half.json["user_code"] == first
    assert second not in listed.text + by_half.text
    other = "BCDF" if second != "BCDF" else "CDFG"
    mistyped = {"user_code": f"{first}-{other}", "confirm": other}
    assert (await approve(admin, asked, **mistyped)).code == "CONFIRM_MISMATCH"
    assert (await approve(admin, asked, user_code=first, confirm=f" {second.lower()} ")).status == 200


async def test_a_paired_screen_is_replaced_only_when_asked_and_the_old_pc_is_out(gate: Gatehouse) -> None:
    admin = await gate.admin()
    old = await paired(gate, admin)
    assert await works(gate, old)
    asked = await begin(gate)
    refused = await approve(admin, asked)
    assert (refused.status, refused.code) == (409, "SCREEN_ALREADY_PAIRED")
    assert await works(gate, old)

    ended: list[Any] = []
    gate.auth.on_revoked.append(ended.append)
    cloned: list[str] = []
    gate.pairings.on_cloned.append(cloned.append)
    assert (await approve(admin, asked, replace=True)).status == 200
    new = (await poll(gate, asked)).json
    assert any(what.kind == "screen" and what.subject == "SCREEN-001" for what in ended)
    assert await works(gate, new)
    assert not await works(gate, old)
    assert (await gate.call("POST", "/api/auth/refresh", {"refreshToken": old["refreshToken"]})).status == 401
    assert (await device(gate, old)).status == 401
    assert cloned == []  # a PC that was replaced is no clone


async def test_an_approval_whose_answer_was_lost_can_be_sent_again(gate: Gatehouse) -> None:
    admin = await gate.admin()
    asked = await begin(gate)
    assert (await approve(admin, asked)).status == (await approve(admin, asked)).status == 200
    assert (await approve(admin, asked, "SCREEN-002")).code == "PAIRING_EXPIRED"


async def test_of_two_approvals_for_one_screen_one_wins(gate: Gatehouse) -> None:
    admin = await gate.admin()
    codes = [await begin(gate), await begin(gate)]
    answers = await asyncio.gather(*(approve(admin, asked) for asked in codes))
    assert sorted(answer.status for answer in answers) == [200, 409]


async def test_who_may_decide(gate: Gatehouse) -> None:
    admin = await gate.admin()
    await gate.screens.add("SCREEN-001", actor="user:kim", groups=["line-1"])
    await gate.screens.add("SCREEN-002", actor="user:kim", groups=["line-2"])
    operator = await gate.user("park", "operator")
    limited = await gate.user("lee", "supervisor", ["line-1"])
    asked = await begin(gate)
    assert (await approve(operator, asked)).code == "PERMISSION_DENIED"
    assert (await gate.call("GET", "/api/pairing/devices")).status == 401
    for out_of_reach in ("SCREEN-002", "SCREEN-003"):
        assert (await approve(limited, asked, out_of_reach)).code == "PERMISSION_DENIED"
        assert (await limited.call("POST", "/api/pairing/offers", {"screenId": out_of_reach})).status == 403
    assert (await approve(limited, asked)).status == 200
    assert admin.csrf


async def test_an_address_that_asks_without_end_only_loses_its_own_oldest_codes(gate: Gatehouse) -> None:
    for _ in range(MAX_PER_ADDRESS - 1):
        gate.pairings.begin(Client(), [], address="127.0.0.1")
    last = await begin(gate)
    first = gate.pairings.waiting()[0]
    await begin(gate)
    waiting = gate.pairings.waiting()
    assert len(waiting) == MAX_PER_ADDRESS
    assert first not in waiting
    assert (await poll(gate, last)).json == {"error": "authorization_pending"}


@pytest.mark.parametrize(
    "body",
    [
        {"client": "x"},
        {"client": {"name": "x" * 201}},
        {"displays": [{"index": 16}]},
        {"displays": [{"index": "1"}]},
        {"displays": [{"index": 0}] * 17},
        {"displays": [{"index": 0, "bounds": {"left": 1e300}}]},
        [],
    ],
)
async def test_a_stranger_s_wrong_request_is_refused(gate: Gatehouse, body: Any) -> None:
    assert (await gate.call("POST", "/api/pairing/device", body)).code == "VALIDATION_ERROR"
    assert gate.pairings.waiting() == []


async def test_a_stranger_s_large_request_is_refused(gate: Gatehouse) -> None:
    refused = await gate.call("POST", "/api/pairing/device", {"junk": "x" * 17_000})
    assert (refused.status, refused.code) == (413, "PAYLOAD_TOO_LARGE")


# An offer.


async def offer(by: Browser, screen: str = "SCREEN-001", **more: Any) -> Answer:
    return await by.call("POST", "/api/pairing/offers", {"screenId": screen, **more})


async def claim(gate: Gatehouse, token: str, screen: str = "SCREEN-001") -> Answer:
    body = {"screenId": screen, "token": token, "client": {"name": "Edge", "version": "150"}}
    return await gate.call("POST", "/api/pairing/claim", body)


async def test_an_offer_is_taken_up_once_and_makes_the_screen(gate: Gatehouse) -> None:
    admin = await gate.admin()
    made = (await offer(admin)).json
    assert made["url"] == f"{BEST}/pair?screenId=SCREEN-001#token={made['token']}"
    assert made["expiresAt"] == gate.now() + 600_000
    assert made["qr"]["svg"].startswith("<svg")
    assert base64.b64decode(made["qr"]["png"].partition(",")[2]).startswith(b"\x89PNG")
    assert (await claim(gate, made["token"], "SCREEN-002")).code == "PAIRING_EXPIRED"
    await gate.restart()
    answers = await asyncio.gather(*(claim(gate, made["token"]) for _ in range(3)))
    assert sorted(answer.status for answer in answers) == [200, 410, 410]
    pairing = next(answer.json for answer in answers if answer.status == 200)
    assert set(pairing) == MEMBERS
    assert await works(gate, pairing)
    assert ("screen:SCREEN-001", "pairing.claim", "SCREEN-001") in await gate.audit()


async def test_an_offer_ends_and_never_replaces_unasked(gate: Gatehouse) -> None:
    admin = await gate.admin()
    short = (await offer(admin, ttlSeconds=60)).json["token"]
    gate.now.forward(seconds=60)
    assert (await claim(gate, short)).code == "PAIRING_EXPIRED"
    early = (await offer(admin)).json["token"]
    old = await paired(gate, admin)
    assert (await claim(gate, early)).code == "PAIRING_EXPIRED"  # it ended when the screen was paired
    assert (await offer(admin)).code == "SCREEN_ALREADY_PAIRED"
    replacing = (await offer(admin, replace=True)).json["token"]
    new = (await claim(gate, replacing)).json
    assert await works(gate, new)
    assert not await works(gate, old)


# A screen comes back.


async def test_a_device_secret_brings_a_screen_back_after_days(gate: Gatehouse) -> None:
    first = await paired(gate, await gate.admin())
    assert await works(gate, first)
    gate.now.forward(hours=24 * 5)
    await gate.restart()
    await gate.auth.sweep()
    assert (await gate.call("POST", "/api/auth/refresh", {"refreshToken": first["refreshToken"]})).status == 401
    back = (await device(gate, first)).json
    assert set(back) == MEMBERS
    assert back["deviceSecret"] != first["deviceSecret"]
    assert await works(gate, back)


async def test_a_copy_of_an_old_device_secret_is_betrayed(gate: Gatehouse) -> None:
    cloned: list[str] = []
    gate.pairings.on_cloned.append(cloned.append)
    first = await paired(gate, await gate.admin())
    lost = (await device(gate, first)).json
    gate.now.forward(hours=1)
    second = (await device(gate, first)).json  # nobody used the new one: the answer was lost
    assert second["deviceSecret"] == lost["deviceSecret"]
    assert await works(gate, second)
    copy = await device(gate, first)  # however soon after
    assert (copy.status, copy.code) == (401, "TOKEN_INVALID")
    assert cloned == ["SCREEN-001"]
    assert await works(gate, second)
    assert ("screen:SCREEN-001", "screen.cloned", "SCREEN-001") in await gate.audit()


async def test_using_the_new_secret_itself_ends_the_old_one(gate: Gatehouse) -> None:
    cloned: list[str] = []
    gate.pairings.on_cloned.append(cloned.append)
    first = await paired(gate, await gate.admin())
    second = (await device(gate, first)).json
    third = (await device(gate, second)).json
    assert (await device(gate, first)).status == 401
    assert cloned == ["SCREEN-001"]
    assert (await device(gate, third)).status == 200


async def test_two_tabs_that_wake_together_both_live_on(gate: Gatehouse) -> None:
    cloned: list[str] = []
    gate.pairings.on_cloned.append(cloned.append)
    first = await paired(gate, await gate.admin())
    gate.now.forward(hours=60)
    tab, other = (await device(gate, first)).json, (await device(gate, first)).json
    assert await works(gate, tab)
    assert await works(gate, other)
    assert await works(gate, tab)
    gate.now.forward(hours=60)
    assert (await device(gate, tab)).status == (await device(gate, other)).status == 200
    assert cloned == []


async def test_a_new_refresh_token_counts_as_the_new_pairing_s_first_use(gate: Gatehouse) -> None:
    cloned: list[str] = []
    gate.pairings.on_cloned.append(cloned.append)
    first = await paired(gate, await gate.admin())
    second = (await device(gate, first)).json
    assert (await gate.call("POST", "/api/auth/refresh", {"refreshToken": second["refreshToken"]})).status == 200
    assert (await device(gate, first)).code == "TOKEN_INVALID"
    assert cloned == ["SCREEN-001"]


async def test_the_first_use_of_a_new_pairing_ends_the_one_before(gate: Gatehouse) -> None:
    first = await paired(gate, await gate.admin())
    assert await works(gate, first)
    second = (await device(gate, first)).json
    assert await works(gate, first)
    assert await works(gate, second)
    assert not await works(gate, first)
    await gate.restart()
    assert await works(gate, second)
    assert (await gate.call("POST", "/api/auth/refresh", {"refreshToken": first["refreshToken"]})).status == 401


async def test_a_screen_s_tokens_are_renewed_like_anybody_s(gate: Gatehouse) -> None:
    first = await paired(gate, await gate.admin())
    answer = await gate.call("POST", "/api/auth/refresh", {"refreshToken": first["refreshToken"]})
    assert answer.json["role"] == "operator"
    assert await works(gate, {**first, **answer.json})


async def test_a_revoked_or_removed_screen_is_out_at_once_and_stays_out(gate: Gatehouse) -> None:
    admin = await gate.admin()
    for screen, end in (("SCREEN-001", gate.screens.revoke), ("SCREEN-002", gate.screens.remove)):
        pairing = await paired(gate, admin, screen)
        assert await works(gate, pairing)
        await end(screen, actor="user:kim")
        assert not await works(gate, pairing)
        await gate.screens.add("SCREEN-002", actor="user:kim") if screen == "SCREEN-002" else None
        await paired(gate, admin, screen, replace=True)
        assert not await works(gate, pairing)
        assert (await device(gate, pairing)).status == 401
        refreshed = await gate.call("POST", "/api/auth/refresh", {"refreshToken": pairing["refreshToken"]})
        assert refreshed.code == "TOKEN_INVALID"


async def test_revoking_deletes_the_keys(gate: Gatehouse) -> None:
    await paired(gate, await gate.admin())
    await gate.screens.revoke("SCREEN-001", actor="user:kim")
    kept = "SELECT (SELECT count(*) FROM grants) + (SELECT count(*) FROM refresh_tokens) + count(*) FROM device_secrets"
    assert await gate.database.read(lambda connection: connection.execute(kept).fetchone()) == (0,)


async def test_a_crash_right_after_revoking_lets_nobody_in(gate: Gatehouse) -> None:
    pairing = await paired(gate, await gate.admin())
    gate.screens.on_revoked.clear()
    await gate.screens.revoke("SCREEN-001", actor="user:kim")
    await gate.restart()
    assert not await works(gate, pairing)
    assert (await device(gate, pairing)).code == "TOKEN_INVALID"
    refreshed = await gate.call("POST", "/api/auth/refresh", {"refreshToken": pairing["refreshToken"]})
    assert refreshed.code == "TOKEN_INVALID"


async def test_what_a_screen_s_token_may_and_may_not_do(gate: Gatehouse) -> None:
    pairing = await paired(gate, await gate.admin())
    token = pairing["accessToken"]
    me = (await gate.call("GET", "/api/me", bearer=token)).json
    assert (me["kind"], me["screenId"], me["role"]) == ("screen", "SCREEN-001", "operator")
    assert (await gate.call("POST", "/api/echo", {}, bearer=token)).json["actor"] == "screen:SCREEN-001"
    for path in ("/api/pairing/devices", "/api/users", "/api/keys"):
        assert (await gate.call("GET", path, bearer=token)).code == "PERMISSION_DENIED"


async def test_a_screen_that_is_permitted_much_still_only_scans(gate: Gatehouse) -> None:
    pairing = await paired(gate, await gate.admin())
    await gate.screens.update("SCREEN-001", actor="user:kim", permission="admin")
    assert (await gate.call("GET", "/api/me", bearer=pairing["accessToken"])).json["role"] == "operator"


async def test_provisioning_from_the_machine_itself(gate: Gatehouse) -> None:
    admin = await gate.admin()
    body = {"screenIds": ["SCREEN-001", "SCREEN-002"]}
    made = (await gate.call("POST", "/api/pairing/provision", body, local=True)).json["items"]
    assert [pairing["screenId"] for pairing in made] == body["screenIds"]
    assert {pairing["serverUrl"] for pairing in made} == {BEST}
    assert await works(gate, made[0])
    supervisor = await gate.user("lee", "supervisor")
    assert (await supervisor.call("POST", "/api/pairing/provision", body)).code == "PERMISSION_DENIED"
    bad = await admin.call("POST", "/api/pairing/provision", {"screenIds": ["no spaces"]})
    assert bad.json["errors"][0]["field"] == "screenId"


async def test_looking_changes_nothing(gate: Gatehouse) -> None:
    admin = await gate.admin()
    asked = await begin(gate)
    before = await gate.audit()
    for path in ("/api/pairing/devices", f"/api/pairing/device/{asked['user_code']}", "/api/me", "/api/csrf"):
        await admin.call("GET", path)
    assert await gate.audit() == before
    assert (await poll(gate, asked)).json == {"error": "authorization_pending"}


# Which monitor.

BOTH = [{"index": 0, "primary": True}, {"index": 1, "primary": False}]


def index_of(gate: Gatehouse, screen: str = "SCREEN-001") -> int:
    return gate.screens.require(screen).display_index


async def test_a_pc_with_two_monitors_shows_orders_on_the_second(gate: Gatehouse) -> None:
    admin = await gate.admin()
    asked = (await gate.call("POST", "/api/pairing/device", {**BEGIN, "displays": BOTH})).json
    assert (await approve(admin, asked)).status == 200
    assert index_of(gate) == 1
    made = (await offer(admin, "SCREEN-002")).json
    body = {"screenId": "SCREEN-002", "token": made["token"], "displays": BOTH}
    assert (await gate.call("POST", "/api/pairing/claim", body)).status == 200
    assert index_of(gate, "SCREEN-002") == 1


async def test_a_monitor_that_somebody_named_stays_it_and_a_page_changes_nothing(gate: Gatehouse) -> None:
    admin = await gate.admin()
    await gate.screens.add("SCREEN-001", actor="user:boss", display_index=2)
    asked = (await gate.call("POST", "/api/pairing/device", {**BEGIN, "displays": BOTH})).json
    assert (await approve(admin, asked)).status == 200
    assert index_of(gate) == 2
    await paired(gate, admin, "SCREEN-003")
    assert index_of(gate, "SCREEN-003") == 0
