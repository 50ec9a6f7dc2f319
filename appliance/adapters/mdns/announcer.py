"""Keeps the appliance announced on every card that leads to the LAN, under one name that is nobody else's."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import structlog
from zeroconf import ServiceInfo

from appliance import PROTOCOL_VERSION
from appliance.adapters.mdns import facts, names, packets
from appliance.adapters.mdns.cards import Card, Wanted, look
from appliance.adapters.mdns.conflicts import Claim, Contest, Renames, Verdict
from appliance.adapters.mdns.hearsay import Hearsay
from appliance.adapters.mdns.own import Own
from appliance.adapters.mdns.packets import Told
from appliance.adapters.mdns.reasons import Reason
from appliance.adapters.mdns.segment import Segment
from appliance.adapters.mdns.segments import Segments

_POLL_SECONDS = 1.0
_LISTEN_SECONDS = 60.0
_PROBES, _PROBE_SECONDS = 3, 0.25  # RFC 6762, section 8.1
_DEFENCE_SECONDS = 0.2
_PAUSE_SECONDS = 60.0

_log = structlog.get_logger(__name__)


class _Attempt:
    """The names that are being asked for."""

    def __init__(self, host: str, instance: str) -> None:
        self.host, self.instance = host.lower(), instance.lower()
        self.lost = asyncio.Event()


class Announcer:
    """One appliance's announcement. `start` returns at once; `status` and `facts` tell how far it has come.

    `name` gives the plant's name now. `interfaces` names the cards (or own addresses) to announce on; none means every
    one that leads to the LAN. `host` is where the appliance listens, as `server.host` has it. `number` is that of the
    host name it had last (1: `vooster.local`), which it asks for first; `remember` is told of another one.
    `changed` is called when the settled host name has changed.
    """

    def __init__(
        self,
        *,
        instance_id: str,
        name: Callable[[], str],
        version: str,
        port: int,
        tls: bool,
        interfaces: Sequence[str] = (),
        host: str = "0.0.0.0",  # noqa: S104 - compared, not bound
        number: int = 1,
        remember: Callable[[int], Awaitable[None]] | None = None,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._own = Own(instance_id, port)
        self._name = name
        self._port = port
        self._wanted = Wanted(frozenset(interfaces), host)
        self.properties = {
            "id": instance_id,
            "v": version,
            "proto": str(PROTOCOL_VERSION),
            "tls": "1" if tls else "0",
            "path": "/",
        }
        self._number = self._remembered = number
        self._remember = remember
        self._changed = changed
        self._segments = Segments(self._hear)
        self._reason: Reason | None = None
        self._settled = False
        self._lost = False
        self._attempt: _Attempt | None = None
        self._contest, self._renames = Contest(), Renames()
        self._hearsay = Hearsay()
        self._defended = 0.0
        self._listened = 0.0
        self._paused_until = 0.0
        self._told: tuple[Any, ...] = ()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    # --- from outside -----------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Begins to announce in the background: settling on a name takes a second."""
        logging.getLogger("zeroconf").setLevel(logging.CRITICAL)  # it logs each packet's failure; ours is said once
        self._task = asyncio.create_task(self._run(), name="mdns")

    async def stop(self) -> None:
        """Withdraws the announcement (goodbyes, a quarter of a second)."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        await self._segments.leave()

    @property
    def host(self) -> str | None:
        """The settled host name (`vooster.local`) while it is announced; else None."""
        return names.host(self._number).rstrip(".") if self._segments.announced() else None

    def status(self) -> dict[str, Any]:
        """`{"ok", "host", "name", "addresses"}` and, where something stands against it, `code`, `detail`, `messages`
        and `action`. `addresses` is empty until the announcement is out, and `host` None."""
        reason = self.reason
        addresses = dict.fromkeys(ip for segment in self._segments.announced() for ip in segment.card.addresses)
        status: dict[str, Any] = {
            "ok": reason is None or reason.chosen,
            "host": self.host,
            "name": names.instance_label(self._name(), self._number),
            "addresses": list(addresses),
        }
        if reason is not None:
            messages, action = reason.messages(), reason.actions()
            status |= {"code": reason.code, "detail": messages["en"], "messages": messages, "action": action}
        return status

    def facts(self) -> dict[str, Any]:
        """What is announced where, whether it is heard, what stands against it, and who else is heard."""
        return facts.of(
            status=self.status(),
            reason=self.reason,
            port=self._port,
            txt=self.properties,
            segments=self._segments.all(),
            troubles=self._segments.troubles(),
            others=self._hearsay.all(time.monotonic()),
        )

    @property
    def reason(self) -> Reason | None:
        """What stands against being found, the gravest."""
        if self._reason is not None:
            return self._reason
        for _, reason in self._segments.troubles():
            return reason
        return next((Reason("NOT_HEARD", s.card.name) for s in self._segments.all() if s.heard is False), None)

    async def listen(self) -> None:
        """Finds out anew whether the announcements are heard, and who else is there (about 3 s)."""
        segments = self._segments.announced()
        if segments:
            self._listened = time.monotonic()
            await asyncio.gather(*(segment.listen(whole=True) for segment in segments))

    # --- the loop ---------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        while True:
            try:
                await self._round()
            except Exception as error:  # a discovery library's trouble must never be the appliance's
                known = isinstance(error, OSError) and error.strerror
                self._reason = Reason("NO_NETWORK" if known else "FAILED", detail=str(known or repr(error)))
                await self._segments.leave()
            self._tell()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), _POLL_SECONDS)
            self._wake.clear()

    async def _round(self) -> None:
        """Looks at the cards and at the name, and makes the announcement fit them."""
        now = time.monotonic()
        if now < self._paused_until:
            return
        cards, own = await asyncio.to_thread(look, self._wanted)
        self._own.has(own, now)
        await self._segments.follow([card for card in cards if card.addresses], self._info)
        segments = self._segments.all()
        self._reason = None if segments or self._segments.troubles() else self._why_none(cards)
        if not segments:
            return
        if self._lost or not self._settled:
            await self._settle()
        else:
            fresh = [segment for segment in segments if segment.info is None]
            if fresh and not await self._is_free(self._number, fresh):
                self._lost = True
                await self._settle()
        if self._settled:
            await self._announce()
            await self._keep()
        if now - self._listened > _LISTEN_SECONDS:
            self._listened = now
            for segment in self._segments.announced():
                segment.listen_soon()

    def _why_none(self, cards: list[Card]) -> Reason:
        if cards:
            return Reason("THIS_PC_ONLY", detail=self._wanted.host)
        if self._wanted.interfaces:
            return Reason("CARDS_NOT_THERE", detail=", ".join(sorted(self._wanted.interfaces)))
        return Reason("NO_CARD")

    def _tell(self) -> None:
        """Whoever has to know of a change hears of it, once."""
        status = self.status()
        told = (status["host"], tuple(status["addresses"]), self.reason)
        if told == self._told:
            return
        before, self._told = self._told, told
        if before[:1] != told[:1]:
            self._changed()
        if self.reason is not None and not self.reason.chosen and before[2:] != told[2:]:
            _log.warning("the appliance can't be found on the network", reason=status["detail"])
        if status["addresses"] and before[:2] != told[:2]:
            _log.info("announced on the network", **{key: status[key] for key in ("host", "name", "addresses")})

    # --- names ------------------------------------------------------------------------------------------------------

    def _info(self, card: Card, number: int | None = None) -> ServiceInfo:
        """What `card` announces under the names of `number`: of the settled one unless it is said."""
        number = number or self._number
        return ServiceInfo(
            names.SERVICE_TYPE,
            names.instance(self._name(), number),
            port=self._port,
            properties=self.properties,
            server=names.host(number),
            parsed_addresses=list(card.addresses),
        )

    async def _settle(self) -> None:
        """Finds a number whose names nobody else has."""
        now = time.monotonic()
        taken = self._number if self._lost else 0
        if not self._lost or self._renames.may(now):
            for number in dict.fromkeys([self._number, *range(1, names.MOST_NAMES)]):
                if number != taken and await self._is_free(number, self._segments.all()):
                    self._number, self._settled, self._lost = number, True, False
                    self._contest = Contest()
                    return
        self._reason = Reason("NAMES_TAKEN")
        self._settled = False
        self._paused_until = time.monotonic() + _PAUSE_SECONDS
        await self._segments.leave()

    async def _is_free(self, number: int, segments: list[Segment]) -> bool:
        """Asks for the names of `number` on `segments`: about a second when nobody has them."""
        attempt = self._attempt = _Attempt(names.host(number), names.instance(self._name(), number))
        try:
            await asyncio.sleep(random.uniform(0, _PROBE_SECONDS))  # noqa: S311 - so that not all ask at once
            for _ in range(_PROBES):
                for segment in segments:
                    segment.send(packets.probe(self._info(segment.card, number)))
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(attempt.lost.wait(), _PROBE_SECONDS)
                    return False
            return True
        finally:
            self._attempt = None

    async def _announce(self) -> None:
        """Announces where something else is announced, or nothing."""
        wanted = (names.instance(self._name(), self._number), names.host(self._number))
        self._listened = time.monotonic() if not self._segments.announced() else self._listened
        late = [s for s in self._segments.all() if s.info is None or (s.info.name, s.info.server) != wanted]
        await asyncio.gather(*(segment.announce(self._info(segment.card)) for segment in late))

    async def _keep(self) -> None:
        if self._remember is not None and self._number != self._remembered:
            self._remembered = self._number
            try:
                await self._remember(self._number)
            except Exception as error:  # it costs no more than another name after a restart
                _log.debug("the name on the network isn't remembered", reason=str(error))

    # --- what is heard ----------------------------------------------------------------------------------------------

    def _hear(self, segment: Segment, told: Told) -> None:
        mine = {name for name, service in told.services.items() if self._own.said(service, told)}
        if mine:
            if told.response and segment.info is not None and segment.info.key in mine:
                segment.came_back()
            return
        now = time.monotonic()
        self._contested(segment, told, now)
        if told.response:
            others = {
                name: service for name, service in told.services.items() if not self._own.may_have_said(service, told)
            }
            self._hearsay.note(told._replace(services=others), segment.card.name, now)

    def _contested(self, segment: Segment, told: Told, now: float) -> None:
        ours = Claim(frozenset(segment.card.addresses), self._port)
        attempt = self._attempt
        if attempt is not None:
            theirs = self._own.rival(told, attempt.host, attempt.instance, ours)
            if theirs is not None and (told.response or theirs.rank < ours.rank):
                attempt.lost.set()
        info = segment.info
        if info is None or self._lost:
            return
        host, instance = names.host(self._number), info.key
        if not told.asked.isdisjoint({host, instance}) and now - self._defended > _DEFENCE_SECONDS:
            self._defended = now
            segment.defend()
        theirs = self._own.rival(told, host, instance, ours) if told.response else None
        if theirs is None:
            return
        appliance = any(service.host == host for service in told.services.values()) or instance in told.services
        appliance = appliance or self._hearsay.is_appliance(host, theirs.addresses)
        match self._contest.judge(ours, theirs, appliance=appliance, now=now):
            case Verdict.DEFEND:
                segment.defend()
            case Verdict.RENAME:
                self._lost = True
                self._wake.set()
