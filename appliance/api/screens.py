"""The resource of screens: list, make, change, identify, blank, unpair, delete."""

from __future__ import annotations

from functools import partial

import msgspec
from aiohttp import web

from appliance.api.views import ScreenViews
from appliance.core.messages import Clear
from appliance.core.screens import MAX_DISPLAY_INDEX, Screen, check_groups
from appliance.core.triggers import PERMISSIONS
from appliance.edge.credentials import caller
from appliance.edge.server import json_response, read_json
from appliance.errors import FieldError, Problem
from appliance.relay.conversation import Conversation
from appliance.relay.currents import Currents
from appliance.relay.principal import Principal
from appliance.relay.screens import Screens
from appliance.relay.sessions import Sessions


class NewScreen(msgspec.Struct, rename="camel"):
    screen_id: str
    name: str | None = None
    groups: list[str] = []
    display_index: int = 0
    user: str | None = None
    permission: str = "operator"


class ScreenChange(msgspec.Struct, rename="camel"):
    name: str | msgspec.UnsetType = msgspec.UNSET
    groups: list[str] | msgspec.UnsetType = msgspec.UNSET
    display_index: int | msgspec.UnsetType = msgspec.UNSET
    user: str | msgspec.UnsetType | None = msgspec.UNSET
    permission: str | msgspec.UnsetType = msgspec.UNSET


def routes(
    *,
    screens: Screens,
    views: ScreenViews,
    sessions: Sessions,
    currents: Currents,
    conversation: Conversation,
) -> list[web.RouteDef]:
    def reach(principal: Principal, screen: Screen) -> Screen:
        if not screens.reaches(principal, screen.screen_id):
            raise Problem("PERMISSION_DENIED", "This screen is outside the credential's reach.")
        return screen

    async def supervised(request: web.Request) -> tuple[Principal, Screen]:
        principal = caller(request)
        return principal, reach(principal, screens.require(request.match_info["screenId"]))

    async def listing(request: web.Request) -> web.Response:
        principal = caller(request)
        found = sorted(screens.all(), key=lambda screen: screen.screen_id)
        visible = [screen for screen in found if screens.reaches(principal, screen.screen_id)]
        return json_response({"items": [views.view(screen) for screen in visible], "cursor": None})

    async def show(request: web.Request) -> web.Response:
        principal = caller(request)
        return json_response(views.view(reach(principal, screens.require(request.match_info["screenId"]))))

    async def add(request: web.Request) -> web.Response:
        principal = caller(request)
        body = await read_json(request, NewScreen)
        _check(display_index=body.display_index, permission=body.permission)
        _within_reach(principal, body.screen_id, [], check_groups(body.groups))
        if body.user is not None or body.permission != "operator":
            _unlimited(principal)
        screen = await screens.add(
            body.screen_id,
            actor=principal.actor,
            name=body.name,
            groups=body.groups,
            display_index=body.display_index,
            user=body.user,
            permission=body.permission,
        )
        return json_response(views.view(screen), 201)

    async def change(request: web.Request) -> web.Response:
        principal, screen = await supervised(request)
        body = await read_json(request, ScreenChange)
        changes = {name: value for name, value in msgspec.structs.asdict(body).items() if value is not msgspec.UNSET}
        _check(**changes)

        def allowed(present: Screen) -> None:
            reach(principal, present)
            if "groups" in changes:
                _within_reach(principal, present.screen_id, present.groups, check_groups(changes["groups"]))
            if any(name in changes and changes[name] != getattr(present, name) for name in ("user", "permission")):
                _unlimited(principal)

        changed = await screens.update(screen.screen_id, actor=principal.actor, allowed=allowed, **changes)
        return json_response(views.view(changed))

    async def remove(request: web.Request) -> web.Response:
        principal, screen = await supervised(request)
        await screens.remove(screen.screen_id, actor=principal.actor, allowed=partial(reach, principal))
        return web.Response(status=204)

    async def revoke(request: web.Request) -> web.Response:
        principal, screen = await supervised(request)
        await screens.revoke(screen.screen_id, actor=principal.actor, allowed=partial(reach, principal))
        return web.Response(status=204)

    async def identify(request: web.Request) -> web.Response:
        principal, screen = await supervised(request)
        if sessions.of_screen(screen.screen_id) is not None:
            await screens.note(screen.screen_id, "screen.identify", actor=principal.actor)
        if not conversation.identify(screen):
            raise Problem("SCREEN_OFFLINE", f"{screen.screen_id} is offline.")
        return web.Response(status=204)

    async def clear(request: web.Request) -> web.Response:
        principal, screen = await supervised(request)
        await screens.note(screen.screen_id, "screen.clear", actor=principal.actor)
        currents.clear(screen.screen_id)
        session = sessions.of_screen(screen.screen_id)
        if session is not None:
            session.send(Clear())
        return web.Response(status=204)

    path = "/api/screens/{screenId}"
    return [
        web.get("/api/screens", listing),
        web.post("/api/screens", add),
        web.get(path, show),
        web.patch(path, change),
        web.delete(path, remove),
        web.post(f"{path}/revoke", revoke),
        web.post(f"{path}/identify", identify),
        web.post(f"{path}/clear", clear),
    ]


def _check(*, display_index: int | None = None, permission: str | None = None, **_others: object) -> None:
    errors = []
    if display_index is not None and not 0 <= display_index <= MAX_DISPLAY_INDEX:
        errors.append(FieldError("displayIndex", f"0 to {MAX_DISPLAY_INDEX}"))
    if permission is not None and permission not in PERMISSIONS:
        errors.append(FieldError("permission", "one of " + ", ".join(PERMISSIONS)))
    if errors:
        raise Problem("VALIDATION_ERROR", "The screen has members that don't fit.", errors=errors)


def _unlimited(principal: Principal) -> None:
    """Whose scans come to a screen, and how much it may be shown, is said by those alone who reach every screen: it
    would draw others' scans here."""
    if principal.screens is not None or principal.groups is not None:
        raise Problem("PERMISSION_DENIED", "A screen's user and permission are set by those who reach every screen.")


def _within_reach(principal: Principal, screen_id: str, before: list[str], groups: list[str]) -> None:
    """Whoever is limited to lines or screens can't make or move a screen out of them, nor into a line that isn't his:
    it would be shown what that line is sent."""
    limited = principal.screens is not None or principal.groups is not None
    moved = limited and not set(before) ^ set(groups) <= (principal.groups or frozenset())
    if moved or not principal.reaches(screen_id, groups):
        raise Problem("PERMISSION_DENIED", "These lines are outside the credential's reach.")
