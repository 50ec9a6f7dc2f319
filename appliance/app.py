"""The composition root: the engine and its doors (HTTP, WebSocket, control socket, mDNS), started and stopped here."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from appliance import __version__
from appliance.adapters import control
from appliance.adapters.addresses import best_address, lan_addresses
from appliance.adapters.certificates import Certificates
from appliance.adapters.descriptors import room
from appliance.adapters.doorway import Doorway
from appliance.adapters.mdns import Announcer
from appliance.api import audit as audit_api
from appliance.api import auth as auth_api
from appliance.api import (
    deadletters,
    deliveries,
    descriptions,
    discovery,
    extension,
    keys,
    labels,
    monitoring,
    pages,
    screens,
    setup,
    triggers,
    trust,
)
from appliance.api import pairing as pairing_api
from appliance.api import people as people_api
from appliance.api.exports import Exports
from appliance.api.exposition import Exposition
from appliance.api.setup_checks import Checks
from appliance.api.views import Names, ScreenViews
from appliance.core.networks import Networks
from appliance.core.permissions import CALLS, WITHOUT_TLS, Rule
from appliance.edge.browsers import Browsers
from appliance.edge.credentials import Credentials
from appliance.edge.crowd import Crowd
from appliance.edge.hosts import Hosts, host_name
from appliance.edge.limits import Limits
from appliance.edge.lines import Runner
from appliance.edge.lobby import Lobby
from appliance.edge.outside import Outside
from appliance.edge.server import build
from appliance.edge.urls import Urls
from appliance.engine import Engine, stop_all
from appliance.errors import Problem
from appliance.errors.system import told
from appliance.paths import DataDir
from appliance.relay.clock import now_ms
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
        self._tls = settings.tls.mode != "off"
        self.certificates: Certificates | None = None
        """What it is served with under TLS; None without, and for a command's own appliance."""
        self._stops: list[Callable[[], object]] = []

    # --- addresses --------------------------------------------------------------------------------------------------

    def base_url(self) -> str:
        """The address to recommend: the configured public one, or the best one on the LAN."""
        if self.settings.server.public_url:
            return self.settings.server.public_url.rstrip("/")
        return self._url(best_address() if self._everywhere else self.settings.server.host)

    def urls(self) -> list[str]:
        """Every address the appliance can be opened at, the best first."""
        found = lan_addresses() if self._everywhere else [self.settings.server.host]
        return list(dict.fromkeys([self.base_url(), *map(self._url, found)]))

    def _url(self, address: str) -> str:
        return f"{'https' if self._tls else 'http'}://{address}:{self._port}"

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
        await self._prepare_tls()
        self.status = Status(
            database=self.engine.database,
            sessions=self.engine.sessions,
            screens=self.engine.screens,
            dispatcher=self.engine.dispatcher,
            source=self.engine.source,
            events=self.engine.events,
            metrics=self.engine.metrics,
            discovery=self._discovery if self._announces else None,
            tls=self._tls_status,
        )
        hosts = Hosts(
            self.settings.server,
            addresses=lan_addresses,
            name=self._host,
            base_url=self.base_url,
            tls=self._tls,
        )
        outside = Outside(
            self.settings.server,
            tls=self._tls,
            unnamed=lambda: self.engine.events.error("PROXY_NOT_TRUSTED"),
        )
        credentials = Credentials(
            self.engine.auth,
            instance_id=self.engine.plant.instance_id,
            outside=outside,
        )
        crowd = self._crowd()
        # Under TLS a connection counts before its handshake does, so at the door.
        within = Crowd(limited=False) if self._tls else crowd
        build_runner = partial(self._runner, hosts=hosts, credentials=credentials, limits=self._limits(credentials))
        runner = build_runner(self._routes(credentials), crowd=within)
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
            await self._listen(runner, build_runner, crowd)
        if self._announces:
            self._announcer = self._new_announcer(hosts.changed)
            await self._announcer.start()
            self._stops.append(self._announcer.stop)
        self._stops.append(self._not_ready)
        self.status.ready = True

    def _crowd(self) -> Crowd:
        metrics = self.engine.metrics
        return Crowd(
            limited=self.settings.limits.enabled,
            proxies=Networks(self.settings.server.trusted_proxies),
            most=room(),
            refused=lambda: metrics.limit("connection"),
        )

    def _limits(self, credentials: Credentials) -> Limits | None:
        if not self.settings.limits.enabled:
            return None
        return Limits(known=credentials.known, metrics=self.engine.metrics, outside=credentials.outside)

    def _runner(
        self,
        routes: list[web.RouteDef],
        *,
        hosts: Hosts,
        credentials: Credentials,
        limits: Limits | None,
        crowd: Crowd,
        calls: Mapping[tuple[str, str], Rule] = CALLS,
    ) -> web.AppRunner:
        return Runner(
            build(routes, settings=self.settings, hosts=hosts, credentials=credentials, limits=limits, calls=calls),
            crowd=crowd,
            access_log=None,
            handle_signals=False,
            keepalive_timeout=IDLE_SECONDS,
            lingering_time=LINGER_SECONDS,
            shutdown_timeout=3.0,
        )

    def _routes(self, credentials: Credentials) -> list[web.RouteDef]:
        engine, settings = self.engine, self.settings
        urls = Urls(
            best=self.base_url,
            public_url=settings.server.public_url,
            outside=credentials.outside,
            fingerprint=self.fingerprint,
        )
        browsers = Browsers(credentials, engine.events)
        views, exports = ScreenViews(engine.sessions, engine.currents), Exports(engine.held)
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
            outside=credentials.outside,
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
                held=engine.held,
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
                held=engine.held,
                touch=engine.auth.touch,
                browsers=browsers,
            ),
            *setup.routes(engine.auth, engine.people, credentials, urls, checks=checks.run),
            *auth_api.routes(engine.auth, engine.people, credentials, urls, plant=DEFAULT_NAME),
            *people_api.routes(engine.people, credentials),
            *keys.routes(engine.keyring, engine.database),
            *pairing_api.routes(engine.pairings, credentials, urls, plant=lambda: engine.plant.name),
            *labels.routes(engine.screens, urls),
            *discovery.routes(facts=self._facts, listen=self._listen_anew, urls=urls),
            *extension.routes(urls, instance_id=engine.plant.instance_id),
            *pages.routes(
                plant=engine.plant,
                documents=engine.documents,
                outside=credentials.outside,
                base_url=self.base_url,
                host=self._host,
                setup_complete=lambda: engine.people.complete,
            ),
            *self._trust_routes(),
            *descriptions.routes(),
            *sockets.routes(),
            *socket_io.routes(),
            *streams.routes(),
        ]

    async def _listen(self, runner: web.AppRunner, build_runner: Callable[..., web.AppRunner], crowd: Crowd) -> None:
        host, port = self.settings.server.host, self.settings.server.port
        site: web.BaseSite
        if self.certificates is None:
            site = web.TCPSite(runner, host or None, port, backlog=BACKLOG)
        else:
            routes = trust.plain_routes(self._trust_routes(), base_url=self.base_url)
            plain = build_runner(routes, crowd=crowd, calls=WITHOUT_TLS)
            await plain.setup()
            self._stops.append(plain.cleanup)
            site = Doorway(
                runner, plain, host or None, port, context=self.certificates.context, crowd=crowd, backlog=BACKLOG
            )
        try:
            await site.start()
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                command = f"vooster serve --port {port + 1}"
                raise Problem("PORT_IN_USE", values={"port": port, "command": command}) from None
            why, where = told(error), "server.host, server.port"
            reason = {
                "ko": f"{host}:{port}에서 연결을 받을 수 없습니다: {why['ko']}.",
                "en": f"{host}:{port} can't be listened on: {why['en']}.",
            }
            raise Problem("SETTINGS_INVALID", reason["en"], values={"where": where, "reason": reason}) from None
        self._stops.append(site.stop)  # before the goodbyes, so that nobody comes back to what is about to end
        for address in runner.addresses:
            if isinstance(address, tuple):
                self._port = address[1]

    # --- TLS --------------------------------------------------------------------------------------------------------

    async def _prepare_tls(self) -> None:
        if not self._tls or not self._network:
            return
        self.certificates = Certificates(
            self.settings.tls,
            self.data,
            owner=self.engine.plant.instance_id[:8],
            names=self._names,
            now=now_ms,
        )
        await self.certificates.start()
        self._stops.append(self.certificates.stop)

    def _names(self) -> list[str]:
        """The host names and addresses that the appliance is opened by, for its certificate."""
        server = self.settings.server
        if self.settings.tls.mode == "files":  # which names a plant's own certificate is for is the plant's business
            return [urlsplit(self.base_url()).hostname or "", *map(host_name, server.allowed_hosts)]
        found = ["localhost", "127.0.0.1", "::1", socket.gethostname(), *map(host_name, server.allowed_hosts)]
        found += lan_addresses() if self._everywhere else [server.host]
        if server.public_url:
            found.append(urlsplit(server.public_url).hostname or "")
        announced = self._host()
        if announced:
            found.append(announced)
        return found

    def _tls_status(self) -> dict[str, Any]:
        return (
            self.certificates.status()
            if self.certificates is not None
            else {"ok": True, "mode": self.settings.tls.mode}
        )

    def fingerprint(self) -> bytes:
        """SHA-256 of the certificate that people compare; empty without TLS."""
        return self.certificates.fingerprint() if self.certificates is not None else b""

    def _trust_routes(self) -> list[web.RouteDef]:
        certificates = self.certificates
        return trust.routes(
            mode=self.settings.tls.mode,
            plant=lambda: self.engine.plant.name,
            base_url=self.base_url,
            authority=lambda: certificates.authority if certificates is not None else None,
            server=lambda: certificates.server if certificates is not None else None,
        )

    @property
    def _announces(self) -> bool:
        return self._network and self.settings.discovery.enabled

    def _discovery(self) -> dict[str, Any]:
        return self._announcer.status() if self._announcer is not None else {"ok": True, "addresses": []}

    def _host(self) -> str | None:
        """The settled mDNS host name; None while there is none."""
        return self._announcer.host if self._announcer is not None else None

    def _facts(self) -> dict[str, Any] | None:
        return self._announcer.facts() if self._announcer is not None else None

    async def _listen_anew(self) -> None:
        if self._announcer is not None:
            await self._announcer.listen()

    def _new_announcer(self, changed: Callable[[], None]) -> Announcer:
        plant, server, chosen = self.engine.plant, self.settings.server, self.settings.discovery
        return Announcer(
            instance_id=plant.instance_id,
            name=lambda: chosen.name or plant.name,
            version=__version__,
            port=self._port,
            tls=self._tls,
            interfaces=chosen.interfaces,
            host=server.host,
            number=plant.host_number,
            remember=plant.keep_host_number,
            changed=changed,
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
