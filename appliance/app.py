"""The composition root: everything is built, started and stopped here, in one place and order."""

from __future__ import annotations

import asyncio
import contextlib
import errno
from collections.abc import Callable
from pathlib import Path

import structlog
from aiohttp import web

from appliance import __version__
from appliance.adapters import control
from appliance.adapters.addresses import best_address, lan_addresses
from appliance.adapters.mdns import Announcer
from appliance.adapters.orders_folder import FolderOrders
from appliance.api import auth as auth_api
from appliance.api import deadletters, monitoring, pages, screens, setup, triggers
from appliance.api import pairing as pairing_api
from appliance.api import people as people_api
from appliance.api.exposition import Exposition
from appliance.api.setup_checks import Checks
from appliance.api.views import ScreenViews
from appliance.edge.credentials import Credentials
from appliance.edge.hosts import Hosts
from appliance.edge.server import build
from appliance.edge.urls import Urls
from appliance.errors import Problem
from appliance.metrics import Metrics
from appliance.paths import DataDir
from appliance.relay import secrets
from appliance.relay.auth import Auth
from appliance.relay.awaiting import Awaiting
from appliance.relay.clock import now_ms
from appliance.relay.conversation import Conversation
from appliance.relay.currents import Currents
from appliance.relay.deadletters import DeadLetters
from appliance.relay.dispatcher import Dispatcher
from appliance.relay.documents import Documents
from appliance.relay.events import Events
from appliance.relay.intake import Intake
from appliance.relay.lookups import Lookups
from appliance.relay.orders import OrderSource
from appliance.relay.outcomes import Outcomes
from appliance.relay.pairing import Pairings
from appliance.relay.passwords import Passwords
from appliance.relay.people import People
from appliance.relay.plant import DEFAULT_NAME, Plant
from appliance.relay.principal import Revoked
from appliance.relay.recent import KEEP, Recent
from appliance.relay.screens import Screens
from appliance.relay.sessions import Session, Sessions
from appliance.relay.status import Status
from appliance.relay.waits import Waits
from appliance.settings import Settings
from appliance.storage.database import Database
from appliance.storage.files import DirectoryLock, prepare
from appliance.storage.outbox import Outbox
from appliance.transports.websocket import WebSockets

BACKLOG = 4096
SWEEP_SECONDS = 3600.0
GOODBYE_SPREAD_MS = 2_000

_log = structlog.get_logger(__name__)


class Appliance:
    """One appliance on one data directory. `start` serves when it returns; `stop` leaves nothing half done.

    Without `network` it listens on a socket that nobody else looks for: so a command works when none is running.
    """

    def __init__(self, settings: Settings, data: DataDir, *, network: bool = True, start_empty: bool = False) -> None:
        self.settings = settings
        self.data = data
        self.folder = Path(settings.orders.folder).expanduser() if settings.orders.folder else data.documents
        self.restarting = False
        """Whether `stop` tells clients that the appliance comes back (1012) or not (1001)."""
        self._network = network
        self._start_empty = start_empty
        self._port = settings.server.port
        self._stops: list[Callable[[], object]] = []

    # --- addresses --------------------------------------------------------------------------------------------------

    def base_url(self) -> str:
        """The address to recommend: the configured public one, or the best one on the LAN."""
        if self.settings.server.public_url:
            return self.settings.server.public_url.rstrip("/")
        return f"http://{best_address() if self._everywhere else self.settings.server.host}:{self._port}"

    def urls(self) -> list[str]:
        """Every address the appliance can be opened at, the best first."""
        found = lan_addresses() if self._everywhere else [self.settings.server.host]
        return list(dict.fromkeys([self.base_url(), *(f"http://{address}:{self._port}" for address in found)]))

    @property
    def _everywhere(self) -> bool:
        return self.settings.server.host in {"", "0.0.0.0", "::"}  # noqa: S104 - compared, not bound

    # --- start and stop ---------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Builds and starts everything. Raises `Problem` for whatever a person has to put right."""
        try:
            await self._open_storage()
            await self._build_people()
            await self._build_relay()
            await self._serve()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stops in the reverse order of the start."""
        while self._stops:
            step = self._stops.pop()
            try:
                result = step()
                if asyncio.iscoroutine(result):
                    await result
            except Exception:
                _log.exception("stop.failed", step=getattr(step, "__qualname__", str(step)))

    async def _open_storage(self) -> None:
        self.data.make()
        lock = DirectoryLock(self.data.lock, "serve" if self._network else "command")
        await lock.acquire()
        self._stops.append(lock.release)
        prepare(self.data.database, start_empty=self._start_empty)
        self.events, self.metrics = Events(), Metrics(now_ms)
        self.database = Database(self.data.database, on_state=lambda _ok: self.events.changed())
        await self.database.open()
        self._stops.append(self.database.close)
        self.keys = secrets.load(self.data.secrets)

    async def _build_people(self) -> None:
        settings = self.settings
        self.screens = Screens(self.database, now=now_ms)
        await self.screens.start()
        self.plant = Plant(self.database, given=lambda: self.people.plant)
        await self.plant.start()
        self.auth = Auth(
            self.database,
            self.keys,
            self.screens,
            instance_id=self.plant.instance_id,
            tokens=settings.tokens,
            now=now_ms,
        )
        await self.auth.start()
        self.people = People(self.database, self.auth, Passwords(), now=now_ms, lock_out=settings.limits.enabled)
        await self.people.start()
        self._stops.append(self.people.close)
        self.pairings = Pairings(self.database, self.screens, self.auth, instance_id=self.plant.instance_id, now=now_ms)
        sweeping = asyncio.create_task(_sweep(self.auth), name="credentials-sweep")
        self._stops.append(lambda: _cancel(sweeping))

    async def _build_relay(self) -> None:
        settings = self.settings
        self.source = await self._start_source()
        lookups = Lookups(
            self.source, timeout_ms=settings.orders.timeout_ms, barcode_pattern=settings.orders.barcode_pattern
        )
        self.documents = Documents(self.source, self.keys.documents, now=now_ms)
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
        self.intake = Intake(
            self.outbox,
            self.screens,
            lookups,
            self.dispatcher,
            outcomes,
            self.recent,
            self.metrics,
            settings.delivery,
        )
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
        )
        self.letters = DeadLetters(self.outbox, self.dispatcher, self.sessions)
        self._stops.append(self.letters.stop)
        self._wire()
        await self.dispatcher.start()
        awaiting = Awaiting(self.dispatcher, lookups)
        awaiting.start()
        self._stops.append(awaiting.stop)

    def _lines_of(self, screen_id: str) -> list[str]:
        screen = self.screens.get(screen_id)
        return screen.groups if screen is not None else []

    def _wire(self) -> None:
        """What happens in one room and is of use in another."""

        def revoked(what: Revoked) -> None:
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

        self.auth.on_revoked.append(revoked)
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

    async def _serve(self) -> None:
        announcer = self._announcer()
        self.status = Status(
            database=self.database,
            sessions=self.sessions,
            screens=self.screens,
            dispatcher=self.dispatcher,
            source=self.source,
            events=self.events,
            metrics=self.metrics,
            discovery=announcer.status if announcer is not None else None,
        )
        hosts = Hosts(
            self.settings.server,
            addresses=lan_addresses,
            name=lambda: announcer.status().get("host") if announcer is not None else None,
            base_url=self.base_url,
        )
        runner = web.AppRunner(
            build(self._routes(), settings=self.settings, hosts=hosts),
            access_log=None,
            handle_signals=False,
            shutdown_timeout=3.0,
        )
        await runner.setup()
        self._stops += [
            lambda: control.remove(self.data, alone=not self._network),
            runner.cleanup,
            self._save,
            self.dispatcher.stop,
            self._say_goodbye,
        ]
        await control.listen(runner, self.data, alone=not self._network)
        if self._network:
            await self._listen(runner)
        if announcer is not None:
            await announcer.start()
            self._stops.append(announcer.stop)
        self._stops.append(self._not_ready)
        self.status.ready = True

    def _routes(self) -> list[web.RouteDef]:
        settings = self.settings
        credentials = Credentials(
            self.auth,
            instance_id=self.plant.instance_id,
            tls=False,
            trusted_proxies=settings.server.trusted_proxies,
        )
        urls = Urls(best=self.base_url, public_url=settings.server.public_url, tls=False)
        views = ScreenViews(self.sessions, self.currents)
        exposition = Exposition(
            metrics=self.metrics, sessions=self.sessions, dispatcher=self.dispatcher, database=self.database
        )
        checks = Checks(
            source=self.source, database=self.database, status=self.status, best=urls.best, folder=self.folder
        )
        sockets = WebSockets(
            settings=settings,
            auth=self.auth,
            credentials=credentials,
            conversation=self.conversation,
            sessions=self.sessions,
        )
        return [
            *triggers.routes(
                credentials=credentials,
                intake=self.intake,
                outbox=self.outbox,
                waits=self.waits,
                screens=self.screens,
            ),
            *screens.routes(
                credentials=credentials,
                screens=self.screens,
                views=views,
                sessions=self.sessions,
                currents=self.currents,
                conversation=self.conversation,
            ),
            *deadletters.routes(
                credentials=credentials,
                database=self.database,
                letters=self.letters,
                screens=self.screens,
            ),
            *monitoring.routes(
                credentials=credentials,
                status=self.status,
                plant=self.plant,
                screens=self.screens,
                recent=self.recent,
                events=self.events,
                exposition=exposition,
                touch=self.auth.touch,
            ),
            *setup.routes(self.auth, self.people, credentials, urls, checks=checks.run),
            *auth_api.routes(self.auth, self.people, credentials, urls, plant=DEFAULT_NAME, tls=False),
            *people_api.routes(self.people, credentials),
            *pairing_api.routes(self.pairings, self.screens, credentials, urls, plant=lambda: self.plant.name),
            *pages.routes(
                plant=self.plant,
                documents=self.documents,
                tls=False,
                base_url=self.base_url,
                setup_complete=lambda: self.people.complete,
            ),
            *sockets.routes(),
        ]

    async def _listen(self, runner: web.AppRunner) -> None:
        host, port = self.settings.server.host, self.settings.server.port
        site = web.TCPSite(runner, host or None, port, backlog=BACKLOG)
        try:
            await site.start()
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                command = f"vooster serve --port {port + 1}"
                raise Problem("PORT_IN_USE", values={"port": port, "command": command}) from None
            reason = f"{host}:{port} can't be listened on: {error.strerror or error}"
            where = "server.host, server.port"
            raise Problem("SETTINGS_INVALID", reason, values={"where": where, "reason": reason}) from None
        for address in runner.addresses:
            if isinstance(address, tuple):
                self._port = address[1]

    def _announcer(self) -> Announcer | None:
        if not (self._network and self.settings.discovery.enabled):
            return None
        return Announcer(
            instance_id=self.plant.instance_id,
            name=self.settings.discovery.name or self.plant.name,
            version=__version__,
            port=self._port,
            tls=False,
            interfaces=self.settings.discovery.interfaces,
        )

    def _not_ready(self) -> None:
        self.status.ready = False
        self.dispatcher.stopping = True
        self.waits.stop()
        self.events.changed()

    async def _save(self) -> None:
        with contextlib.suppress(Problem):  # a storage that refuses now holds up no stop
            await self.database.flush()

    async def _say_goodbye(self) -> None:
        self.sessions.say_goodbye("stopping", restarting=self.restarting, spread_ms=GOODBYE_SPREAD_MS)


async def _sweep(auth: Auth) -> None:
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        await auth.sweep()


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
