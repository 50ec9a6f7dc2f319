"""The engine: storage, people and the relay, built and started in order, with no door to the outside yet."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import structlog

from appliance.adapters.orders_folder import FolderOrders
from appliance.core.webaddress import HostList
from appliance.errors import Problem
from appliance.metrics import Metrics
from appliance.paths import DataDir
from appliance.relay import secrets
from appliance.relay.auth import Auth
from appliance.relay.awaiting import Awaiting
from appliance.relay.cancellations import Cancellations
from appliance.relay.clock import now_ms
from appliance.relay.conversation import Conversation
from appliance.relay.currents import Currents
from appliance.relay.deadletters import DeadLetters
from appliance.relay.dispatcher import Dispatcher
from appliance.relay.documents import Documents
from appliance.relay.drafts import Drafts
from appliance.relay.events import Events
from appliance.relay.held import Held
from appliance.relay.intake import Intake
from appliance.relay.keyring import Keyring
from appliance.relay.lookups import Lookups
from appliance.relay.orders import OrderSource
from appliance.relay.outcomes import Outcomes
from appliance.relay.pairing import Pairings
from appliance.relay.passwords import Passwords
from appliance.relay.people import People
from appliance.relay.plant import Plant
from appliance.relay.principal import Ended
from appliance.relay.receipts import Receipts
from appliance.relay.recent import KEEP, Recent
from appliance.relay.record import Record
from appliance.relay.refusals import Refusals
from appliance.relay.retention import Retention
from appliance.relay.screens import Screens
from appliance.relay.secrets import Secrets
from appliance.relay.sessions import Session, Sessions
from appliance.relay.takeup import TakeUp
from appliance.relay.upkeep import Upkeep
from appliance.relay.waits import Waits
from appliance.settings import Settings
from appliance.storage import aside, replaced, spare
from appliance.storage.database import Database
from appliance.storage.files import DirectoryLock, Kind, prepare
from appliance.storage.outbox import Outbox

SWEEP_SECONDS = 3600.0

_log = structlog.get_logger(__name__)


class Engine:
    """One engine on one data directory, whose lock it holds as `holder`."""

    def __init__(self, settings: Settings, data: DataDir, *, holder: Kind, start_empty: bool = False) -> None:
        self.settings = settings
        self.data = data
        self.folder = Path(settings.orders.folder).expanduser() if settings.orders.folder else data.documents
        self._holder = holder
        self._start_empty = start_empty
        self._stops: list[Callable[[], object]] = []

    async def start(self) -> None:
        """Builds and starts everything. Raises `Problem` for whatever a person has to put right."""
        await self._own_directory()
        with spare.lent(self.data.spare) as short_of_room:
            await self._start()
        if short_of_room:
            self.database.probe()

    async def _start(self) -> None:
        await self._open_storage()
        try:
            await self._begin_record()
            await self._take_up_replaced_state()
            await self._build_people()
            await self._build_relay()
            if self._holder == "serve":  # a command's own doings are in the record one by one
                await self.record.started(self.settings)
        except Problem:
            if self.database.damage is not None:
                raise aside.corrupt(Path(self.database.damage.file)) from None
            raise

    async def stop(self) -> None:
        """Stops in the reverse order of the start, as far as that has come."""
        await stop_all(self._stops)

    async def _own_directory(self) -> None:
        self.data.make()
        lock = DirectoryLock(self.data.lock, self._holder)
        await lock.acquire()
        self._stops.append(lock.release)

    async def _open_storage(self) -> None:
        if self.data.secrets.exists() and not self.data.database.exists():
            # There was one: who deleted it may have meant to, and everyone else has to know.
            _log.warning("storage.missing", file=str(self.data.database), now="an empty one")
        if self.data.database.exists() and not self.data.secrets.exists():
            _log.warning("secrets.missing", file=str(self.data.secrets), now="new keys", command="vooster doctor")
        prepare(self.data.database, start_empty=self._start_empty)
        self._stops.append(lambda: aside.settle(self.data.database))
        self.events, self.metrics = Events(), Metrics(now_ms)
        found = secrets.load(self.data.secrets)
        self.database = Database(self.data.database, seal_key=found.audit, on_state=lambda _ok: self.events.changed())
        self._stops.append(self.database.close)
        await self.database.open()
        access_seconds = self.settings.tokens.access_seconds
        self.keyring = Keyring(self.data.secrets, found, access_seconds=access_seconds, now=now_ms)
        await self.keyring.tend()

    async def _begin_record(self) -> None:
        self.record = Record(self.database, self.keyring.present, note_begun=self.keyring.note_audit_begun, now=now_ms)
        await self.record.begin(afresh=self._start_empty)
        self._stops.append(self._note_stop)
        self.refusals = Refusals(self.database, now=now_ms)
        self._stops.append(self.refusals.flush)

    async def _note_stop(self) -> None:
        if self.record.is_started:
            await self.record.stopped()

    async def _take_up_replaced_state(self) -> None:
        dead = await self.database.write(lambda tx: replaced.take_up(tx, now_ms()))
        if dead is not None:
            _log.warning("storage.replaced", dead_letters=len(dead))

    async def _build_people(self) -> None:
        settings = self.settings
        self.screens = Screens(self.database, now=now_ms)
        await self.screens.start()
        self.plant = Plant(self.database, given=lambda: self.people.plant)
        await self.plant.start()
        self.auth = Auth(
            self.database,
            self.keyring.present,
            self.screens,
            instance_id=self.plant.instance_id,
            tokens=settings.tokens,
            now=now_ms,
            limited=settings.limits.enabled,
        )
        await self.auth.start()
        self.held = Held(now=now_ms)
        self.auth.on_revoked.append(self.held.revoked)
        self.people = People(
            self.database, self.auth, Passwords(), self.refusals, now=now_ms, lock_out=settings.limits.enabled
        )
        await self.people.start()
        self._stops.append(self.people.close)
        self.pairings = Pairings(
            self.database,
            self.screens,
            self.auth,
            self.refusals,
            instance_id=self.plant.instance_id,
            now=now_ms,
            limited=settings.limits.enabled,
        )
        sweeping = asyncio.create_task(_sweep(self.auth, self.keyring), name="credentials-sweep")
        self._stops.append(lambda: _cancel(sweeping))

    async def _build_relay(self) -> None:
        settings = self.settings
        self.source = await self._start_source()
        self.documents = Documents(
            self.source, self.keyring.present.documents, now=now_ms, allowed=HostList(settings.documents.allowed_hosts)
        )
        lookups = Lookups(
            self.source,
            timeout_ms=settings.orders.timeout_ms,
            refuses=self.documents.refuses,
            barcode_pattern=settings.orders.barcode_pattern,
        )
        self.sessions = Sessions(
            interval=settings.heartbeat.interval_seconds,
            timeout=settings.heartbeat.timeout_seconds,
            groups_of=self._lines_of,
        )
        self.outbox, self.currents = Outbox(self.database), Currents(self.database)
        self.recent, self.waits = Recent(), Waits()
        await self.currents.start()
        self.recent.load(await self.outbox.latest(KEEP))
        outcomes = Outcomes(
            self.sessions, self.screens, self.currents, self.waits, self.recent, self.events, self.metrics
        )
        self.dispatcher = Dispatcher(
            self.outbox, self.sessions, self.documents, outcomes, self.metrics, settings.delivery
        )
        drafts = Drafts(
            self.outbox,
            self.screens,
            lookups,
            self.documents,
            self.dispatcher,
            ttl_seconds=settings.delivery.ttl_seconds,
        )
        self.receipts = Receipts(self.outbox, self.dispatcher.opened, self.metrics)
        self.intake = Intake(self.outbox, drafts, self.receipts, self.dispatcher, outcomes, self.recent, self.metrics)
        self._stops.append(self.intake.stop)
        self.cancellations = Cancellations(self.database, self.outbox, self.dispatcher)
        self.conversation = Conversation(
            auth=self.auth,
            sessions=self.sessions,
            screens=self.screens,
            intake=self.intake,
            dispatcher=self.dispatcher,
            currents=self.currents,
            documents=self.documents,
            plant=self.plant,
            restore_hours=settings.delivery.restore_hours,
            limited=settings.limits.enabled,
        )
        self.letters = DeadLetters(self.dispatcher, database=self.database, screens=self.screens, events=self.events)
        self._stops.append(self.letters.stop)
        self.take_up = TakeUp(self.database, self.dispatcher, self.sessions)
        self._stops.append(self.take_up.stop)
        self._wire()
        await self.dispatcher.start()
        await self.take_up.start()
        for screen_id in {row.delivery.screen_id for row in self.dispatcher.opened}:
            if screen_id not in self.screens:  # a crash came between its end and that of what was for it
                self.dispatcher.screen_removed(screen_id)
        awaiting = Awaiting(self.dispatcher, lookups)
        awaiting.start()
        self._stops.append(awaiting.stop)
        if self._holder == "serve":
            retention = Retention(self.database, self._triggers_open, self.metrics)
            self.upkeep = Upkeep(self.database, retention, self.data.spare)
            self.upkeep.start()
            self._stops.append(self.upkeep.stop)

    def _triggers_open(self) -> Iterator[int]:
        return (row.delivery.trigger_pk for row in self.dispatcher.opened)

    def _lines_of(self, screen_id: str) -> list[str]:
        screen = self.screens.get(screen_id)
        return screen.groups if screen is not None else []

    def _wire(self) -> None:
        """What happens in one room and is of use in another."""

        def revoked(what: Ended) -> None:
            code = "TOKEN_EXPIRED" if what.grant is not None else "TOKEN_INVALID"
            self.sessions.end_of(what.covers, code)

        def removed(screen_id: str) -> None:
            self.dispatcher.screen_removed(screen_id)
            self.currents.clear(screen_id)

        def unpaired(screen_id: str) -> None:
            self.dispatcher.screen_revoked(screen_id)
            self.currents.clear(screen_id)

        def came_or_went(_session: Session, _reason: str = "") -> None:
            self.events.changed()

        def replaced(keys: Secrets) -> None:
            self.documents.use_key(keys.documents)
            self.auth.use_keys(keys, replaced=True)

        self.auth.on_revoked.append(revoked)
        self.keyring.on_renewed.append(lambda keys: self.auth.use_keys(keys, replaced=False))
        self.keyring.on_replaced.append(replaced)
        self.screens.on_removed.append(removed)
        self.screens.on_revoked.append(unpaired)
        self.screens.on_changed.append(lambda _screen: self.events.changed())
        self.sessions.on_opened.append(came_or_went)
        self.sessions.on_closed.append(came_or_went)
        self.pairings.on_cloned.append(lambda screen_id: self.events.error("SCREEN_CLONED", screen_id))

    async def _start_source(self) -> OrderSource:
        if not self.settings.orders.folder:
            with contextlib.suppress(FileExistsError):  # a file there is no folder, which the source tells
                self.folder.mkdir(parents=True, exist_ok=True)
        source = FolderOrders(self.folder)
        await source.start()
        self._stops.append(source.stop)
        return source


async def stop_all(steps: list[Callable[[], object]]) -> None:
    """Takes and runs the steps from the last to the first; one that fails is logged and stops no other."""
    while steps:
        step = steps.pop()
        try:
            result = step()
            if asyncio.iscoroutine(result):
                await result
        except Exception:
            _log.exception("stop.failed", step=getattr(step, "__qualname__", str(step)))


async def _sweep(auth: Auth, keyring: Keyring) -> None:
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        try:
            await auth.sweep()
            await keyring.tend()
        except Problem as problem:  # a storage that refuses now is asked again
            _log.debug("sweep.later", reason=problem.detail)


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
