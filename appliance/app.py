"""The composition root: the engine and its doors (HTTP, WebSocket, control socket, mDNS), started and stopped here."""

from __future__ import annotations

import asyncio
import contextlib
import errno
from collections.abc import Callable
from typing import Any

from aiohttp import web

from appliance import __version__
from appliance.adapters import control
from appliance.adapters.addresses import best_address, lan_addresses
from appliance.adapters.descriptors import room
from appliance.adapters.mdns import Announcer
from appliance.api import audit as audit_api
from appliance.api import auth as auth_api
from appliance.api import deadletters, deliveries, descriptions, monitoring, pages, screens, setup, triggers
from appliance.api import pairing as pairing_api
from appliance.api import people as people_api
from appliance.api.exports import Exports
from appliance.api.exposition import Exposition
from appliance.api.setup_checks import Checks
from appliance.api.views import Names, ScreenViews
from appliance.edge.browsers import Browsers
from appliance.edge.credentials import Credentials
from appliance.edge.crowd import Crowd
from appliance.edge.hosts import Hosts
from appliance.edge.limits import Limits
from appliance.edge.lines import Runner
from appliance.edge.lobby import Lobby
from appliance.edge.server import build
from appliance.edge.urls import Urls
from appliance.engine import Engine, stop_all
from appliance.errors import Problem
from appliance.paths import DataDir
from appliance.relay.plant import DEFAULT_NAME
from appliance.relay.status import Status
from appliance.settings import Settings
from appliance.transports import socketio
from appliance.transports.sse import ServerSentEvents
from appliance.transports.websocket import WebSockets

BACKLOG = 4096
IDLE_SECONDS = 75.0
"""How long a connection may stay without a whole request, the first one too; aiohttp's own is an hour."""
LINGER_SECONDS = 2.0
"""How long the rest of a refused request's body is read and thrown away, so that its sender reads the refusal."""


class Appliance:
    """One appliance on one data directory. `start` serves when it returns; `stop` leaves nothing half done.

    Without `network` it listens on a socket that nobody else looks for: so a command works when none is running.
    """

    def __init__(self, settings: Settings, data: DataDir, *, network: bool = True, start_empty: bool = False) -> None:
        self.settings = settings
        self.data = data
        self.engine = Engine(settings, data, holder="serve" if network else "command", start_empty=start_empty)
        self._network = network
        self._port = settings.server.port
        self._announcer: Announcer | None = None
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
            self._stops.append(self.engine.stop)
            await self.engine.start()
            await self._serve()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stops in the reverse order of the start."""
        await stop_all(self._stops)

    async def _serve(self) -> None:
        self.status = Status(
            database=self.engine.database,
            sessions=self.engine.sessions,
            screens=self.engine.screens,
            dispatcher=self.engine.dispatcher,
            source=self.engine.source,
            events=self.engine.events,
            metrics=self.engine.metrics,
            discovery=self._discovery if self._announces else None,
        )
        hosts = Hosts(
            self.settings.server,
            addresses=lan_addresses,
            name=lambda: self._discovery().get("host") if self._announces else None,
            base_url=self.base_url,
        )
        limited, proxies = self.settings.limits.enabled, self.settings.server.trusted_proxies
        metrics = self.engine.metrics
        credentials = Credentials(
            self.engine.auth,
            instance_id=self.engine.plant.instance_id,
            tls=False,
            trusted_proxies=proxies,
        )
        limits = Limits(known=credentials.known, metrics=metrics, proxies=proxies) if limited else None
        runner = Runner(
            build(
                self._routes(credentials), settings=self.settings, hosts=hosts, credentials=credentials, limits=limits
            ),
            crowd=Crowd(limited=limited, proxies=proxies, most=room(), refused=lambda: metrics.limit("connection")),
            access_log=None,
            handle_signals=False,
            keepalive_timeout=IDLE_SECONDS,
            lingering_time=LINGER_SECONDS,
            shutdown_timeout=3.0,
        )
        await runner.setup()
        self._stops += [
            lambda: control.remove(self.data, alone=not self._network),
            runner.cleanup,
            self._close_sockets,
            self._save,
            self.engine.dispatcher.stop,
            self._say_goodbye,
        ]
        await control.listen(runner, self.data, alone=not self._network)
        if self._network:
            await self._listen(runner)
        if self._announces:
            self._announcer = self._new_announcer()
            await self._announcer.start()
            self._stops.append(self._announcer.stop)
        self._stops.append(self._not_ready)
        self.status.ready = True

    def _routes(self, credentials: Credentials) -> list[web.RouteDef]:
        engine, settings = self.engine, self.settings
        urls = Urls(best=self.base_url, public_url=settings.server.public_url, tls=False)
        browsers = Browsers(credentials, engine.events)
        views, exports = ScreenViews(engine.sessions, engine.currents), Exports()
        names = Names(engine.screens, engine.auth)
        exposition = Exposition(
            metrics=engine.metrics,
            sessions=engine.sessions,
            dispatcher=engine.dispatcher,
            database=engine.database,
        )
        checks = Checks(
            source=engine.source,
            database=engine.database,
            status=self.status,
            best=urls.best,
            folder=engine.folder,
        )
        sockets = WebSockets(
            settings=settings,
            auth=engine.auth,
            credentials=credentials,
            conversation=engine.conversation,
            sessions=engine.sessions,
            lobby=Lobby(limited=settings.limits.enabled),
        )
        socket_io = socketio.server(
            settings=settings,
            auth=engine.auth,
            conversation=engine.conversation,
            lobby=sockets.lobby,
            backlog=sockets.backlog,
        )
        streams = ServerSentEvents(
            settings=settings,
            auth=engine.auth,
            credentials=credentials,
            conversation=engine.conversation,
            dispatcher=engine.dispatcher,
            sessions=engine.sessions,
            browsers=browsers,
            backlog=sockets.backlog,
        )
        self._sockets = (sockets, socket_io, streams)
        return [
            *triggers.routes(
                intake=engine.intake,
                receipts=engine.receipts,
                outbox=engine.outbox,
                waits=engine.waits,
                screens=engine.screens,
                names=names,
                cancellations=engine.cancellations,
            ),
            *screens.routes(
                screens=engine.screens,
                views=views,
                sessions=engine.sessions,
                currents=engine.currents,
                conversation=engine.conversation,
            ),
            *deadletters.routes(
                database=engine.database,
                letters=engine.letters,
                screens=engine.screens,
                names=names,
                exports=exports,
                record=engine.record,
            ),
            *deliveries.routes(
                database=engine.database,
                screens=engine.screens,
                names=names,
                exports=exports,
                record=engine.record,
            ),
            *audit_api.routes(
                database=engine.database,
                record=engine.record,
                screens=engine.screens,
                names=names,
                exports=exports,
            ),
            *monitoring.routes(
                credentials=credentials,
                status=self.status,
                plant=engine.plant,
                screens=engine.screens,
                recent=engine.recent,
                events=engine.events,
                exposition=exposition,
                touch=engine.auth.touch,
                browsers=browsers,
            ),
            *setup.routes(engine.auth, engine.people, credentials, urls, checks=checks.run),
            *auth_api.routes(engine.auth, engine.people, credentials, urls, plant=DEFAULT_NAME, tls=False),
            *people_api.routes(engine.people),
            *pairing_api.routes(engine.pairings, engine.screens, credentials, urls, plant=lambda: engine.plant.name),
            *pages.routes(
                plant=engine.plant,
                documents=engine.documents,
                tls=False,
                base_url=self.base_url,
                setup_complete=lambda: engine.people.complete,
            ),
            *descriptions.routes(),
            *sockets.routes(),
            *socket_io.routes(),
            *streams.routes(),
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
        self._stops.append(site.stop)  # before the goodbyes, so that nobody comes back to what is about to end
        for address in runner.addresses:
            if isinstance(address, tuple):
                self._port = address[1]

    @property
    def _announces(self) -> bool:
        return self._network and self.settings.discovery.enabled

    def _discovery(self) -> dict[str, Any]:
        return self._announcer.status() if self._announcer is not None else {"ok": True, "addresses": []}

    def _new_announcer(self) -> Announcer:
        return Announcer(
            instance_id=self.engine.plant.instance_id,
            name=self.settings.discovery.name or self.engine.plant.name,
            version=__version__,
            port=self._port,
            tls=False,
            interfaces=self.settings.discovery.interfaces,
        )

    def _not_ready(self) -> None:
        self.status.ready = False
        self.engine.dispatcher.stopping = True
        self.engine.waits.stop()
        self.engine.events.changed()

    async def _save(self) -> None:
        with contextlib.suppress(Problem):  # a storage that refuses now holds up no stop
            await self.engine.database.flush()

    async def _close_sockets(self) -> None:
        await asyncio.gather(*(endpoint.stop() for endpoint in self._sockets))

    async def _say_goodbye(self) -> None:
        self.engine.sessions.say_goodbye("stopping")
