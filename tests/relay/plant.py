"""A whole appliance on a real data file, in a time of its own, with screens that a test moves by hand.

The event loop's clock stands still while anything is left to do and then jumps to the next timer, so that minutes pass
in milliseconds and every run of the same steps is the same. The writer works in the loop's own thread for that. A
crash takes away everything but the file: what was not committed by then is lost, as it would be.
"""

from __future__ import annotations

import asyncio
import os
import selectors
import shutil
import sqlite3
import uuid
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

import pytest

from appliance import settings
from appliance.core.delivery import Delivery, State
from appliance.core.messages import (
    Ack,
    Clear,
    ClientPong,
    Evidence,
    Hello,
    Navigate,
    ServerMessage,
    ServerPing,
    Welcome,
)
from appliance.core.roles import Role
from appliance.core.triggers import TriggerBody
from appliance.engine import Engine
from appliance.errors import Problem
from appliance.paths import DataDir
from appliance.relay import clock, keyring
from appliance.relay.opened import key_of
from appliance.relay.orders import Document, OrderSource
from appliance.relay.principal import Principal
from appliance.relay.sessions import Session
from appliance.storage import connections, draining, replaced
from appliance.storage.rows import read_deliveries

T = TypeVar("T")
START = 1_700_000_000.0
"""The wall clock, in seconds, when the loop's own says 0."""
SOMEBODY = Principal("local", "somebody", Role.ADMIN)
IN_FLIGHT = (State.SENT, State.RECEIVED)


class _Selector(selectors.SelectSelector):
    """Waits for nothing: the time that would pass has passed."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        assert timeout is not None, "everything waits, and nothing would ever happen again"
        if timeout > 0:
            self.now += max(1e-6, timeout)
        return super().select(0)


class Loop(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps to the next timer when there is nothing else to do."""

    def __init__(self, now: float) -> None:
        self._clock = _Selector()
        self._clock.now = now
        super().__init__(self._clock)

    def time(self) -> float:
        return self._clock.now


class InLoop:
    """Stands for the database's connection and its thread: a job runs when the loop comes to it."""

    def __init__(self, connect: Callable[[], sqlite3.Connection], iter_chunk_size: int) -> None:
        self._connect = connect

    def __await__(self) -> Any:
        return self._open().__await__()

    async def _open(self) -> InLoop:
        self.connection = self._connect()
        self.connection.execute("PRAGMA synchronous=OFF")  # nobody pulls the plug of this machine
        return self

    async def run(self, job: Callable[[sqlite3.Connection], T]) -> T:
        await asyncio.sleep(0)
        return job(self.connection)

    async def close(self) -> None:
        self.connection.close()


class Orders:
    """An order source that knows every order but those it can't answer for now, or that aren't any."""

    def __init__(self) -> None:
        self.silent: set[str] = set()
        self.unknown: set[str] = set()
        self._changed: list[Callable[[], None]] = []

    async def look_up(self, order_id: str) -> Document:
        if order_id in self.silent:
            raise Problem("ORDER_SOURCE_UNAVAILABLE")
        if order_id in self.unknown:
            raise Problem("ORDER_NOT_FOUND", values={"orderId": order_id})
        return Document(order_id=order_id, ref=f"http://erp/{order_id}", title=order_id, content_type="text/html")

    def at_hand(self, order_id: str) -> Document | None:
        """Some orders are known without asking, some have to be looked up each time."""
        if order_id in self.silent | self.unknown or len(order_id) % 2:
            return None
        return Document(order_id=order_id, ref=f"http://erp/{order_id}", title=order_id, content_type="text/html")

    def resolve(self, ref: str) -> Path | None:
        return None

    def on_change(self, call: Callable[[], None]) -> None:
        self._changed = [call]

    def status(self) -> dict[str, object]:
        return {"ok": True}

    def answer(self, order_id: str, *, unknown: bool) -> None:
        self.silent.discard(order_id)
        if unknown:
            self.unknown.add(order_id)
        for call in self._changed:
            call()

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class _Engine(Engine):
    orders: Orders

    async def _start_source(self) -> OrderSource:
        return self.orders


class Client:
    """A screen's program by the contract's client rule. `answers` false is a link that is dead without having ended."""

    def __init__(self, plant: Plant, screen_id: str) -> None:
        self.plant = plant
        self.screen_id = screen_id
        self.wire: Wire | None = None
        self.answers = True
        self.eager = False
        self.epoch = ""
        self.newest: dict[int, int] = {}
        self.shown: dict[tuple[str, int], None] = {}
        """(id, round), in the order in which the monitor showed them."""
        self.begun: dict[tuple[str, int], int] = {}
        """(id, round) of what was sent, with the number in its lane that each of them has for good. On the wire it may
        get higher from one send to the next: nothing goes out with a lower one than what went before."""
        self.opening: dict[int, Navigate] = {}
        self.got: dict[str, None] = {}

    def heard(self, message: ServerMessage) -> None:
        if isinstance(message, Welcome) and message.epoch != self.epoch:
            self.epoch = message.epoch
            self.newest.clear()
            self.shown.clear()
            self.begun.clear()
        elif isinstance(message, Clear):
            for display in [d for d in self.opening if message.display_index in (None, d)]:
                del self.opening[display]
        elif isinstance(message, ServerPing) and self.answers:
            self.plant.begin(self.say(ClientPong(t=message.t)))
        elif isinstance(message, Navigate):
            self._navigate(message)

    def _navigate(self, message: Navigate) -> None:
        known = (message.id, message.round)
        self.plant.check(self, message)
        if message.restored is not True:
            seen = self.newest.get(message.display_index, 0)
            if known not in self.shown and message.seq < seen:
                self.plant.broken.append(f"{message.id} is older than what the screen has seen: it is ignored")
            self.newest[message.display_index] = max(seen, message.seq)
            self.got[message.id] = None
            number = self.plant.engine.dispatcher.opened.get(key_of(message.id)).delivery.seq  # type: ignore[union-attr]
            if self.begun.setdefault(known, number) != number:
                self.plant.broken.append(f"{message.id} has begun the same round twice")
        self.opening[message.display_index] = message
        if self.eager:
            self.plant.begin(self.shows(message.display_index))

    async def say(self, message: Any) -> None:
        wire = self.wire
        if wire is not None and wire.session is not None and not wire.session.closed:
            wire.session.heard()
            await self.plant.engine.conversation.handle(wire.session, message)

    def show(self, display: int) -> Navigate:
        """The monitor shows what it was sent, if it hasn't yet."""
        message = self.opening.pop(display)
        if message.restored is not True:
            self.shown[message.id, message.round] = None
        return message

    async def shows(self, display: int) -> None:
        if display in self.opening:
            await self.say(shown(self.show(display).id, display))


class Wire:
    """One connection of a client."""

    name = "by hand"

    def __init__(self, client: Client) -> None:
        self.client = client
        self.session: Session | None = None

    def send(self, message: ServerMessage) -> None:
        if self.client.wire is self:
            self.client.heard(message)

    def close(self, code: int, reason: str) -> None:
        if self.client.wire is self:
            self.client.wire = None
            self.client.opening.clear()


def shown(delivery_id: str, display: int) -> Ack:
    return Ack(id=delivery_id, status="shown", display=Evidence(index=display), url="http://screen/")


async def _at_once(work: Callable[..., Any], *arguments: Any) -> Any:
    """Stands for `asyncio.to_thread`, as there is no thread."""
    return work(*arguments)


class Plant:
    """The appliance over all its lives, what it has promised, and its screens."""

    def __init__(self, root: Path, patch: pytest.MonkeyPatch, screens: list[str], values: settings.Values) -> None:
        self.data = DataDir(root)
        self.settings = settings.load(None, {}, values)
        self.orders = Orders()
        self.clients = {screen_id: Client(self, screen_id) for screen_id in screens}
        self.promised: dict[str, TriggerBody] = {}
        self.modes: dict[str, str] = {}
        self.deadlines: dict[str, float] = {}
        self.ahead = 0.0
        """Seconds by which the wall clock has been set forward."""
        self.saved: dict[int, Delivery] = {}
        self.tasks: set[asyncio.Task[Any]] = set()
        self.broken: list[str] = []
        self._now = 0.0
        patch.setattr(connections, "Connection", InLoop)
        patch.setattr(draining, "PARKED_SECONDS", 0)  # there is no thread that could wait
        patch.setattr(keyring, "asyncio", SimpleNamespace(Lock=asyncio.Lock, to_thread=_at_once))
        patch.setattr(clock, "time", SimpleNamespace(time_ns=lambda: int(self.wall * 1e9)))
        self.start()

    @property
    def wall(self) -> float:
        return START + self.loop.time() + self.ahead

    # --- lives ------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        self.loop = Loop(self._now)
        self.loop.set_exception_handler(lambda _loop, context: self.broken.append(str(context)))
        self.engine = _Engine(self.settings, self.data, holder="command")
        self.engine.orders = self.orders
        self.run(self._start())

    async def _start(self) -> None:
        await self.engine.start()
        for screen_id in self.clients:
            if screen_id not in self.engine.screens and not self.saved:
                await self.engine.screens.add(screen_id, actor="test")

    def crash(self, down_seconds: float = 0.0) -> None:
        """The process is gone at this moment; a new one starts on what is on disk."""
        for wire in [client.wire for client in self.clients.values() if client.wire is not None]:
            wire.close(1006, "crash")
        for held in (self.engine.database._writer, self.engine.database._reader):
            held.connection.close()  # type: ignore[union-attr]
        descriptor, self.engine.database._descriptor = self.engine.database._descriptor, None
        if descriptor is not None:
            os.close(descriptor)
        self._end()
        self.engine._stops[0]()
        self._live_again(down_seconds)

    def restart(self) -> None:
        """An orderly stop and start."""
        self.run(self.engine.stop())
        self._end()
        self._live_again(0.0)

    def _live_again(self, down_seconds: float) -> None:
        self._now = self.loop.time() + down_seconds
        self.start()
        self.audit()
        wall = self.wall * 1000
        for delivery in self.saved.values():
            left = min(delivery.expires_at - wall, delivery.ttl_ms) / 1000
            self.deadlines[delivery.id] = self.loop.time() + left

    def replace_state(self) -> None:
        """The stored state is replaced by a backup of itself."""
        connection = sqlite3.connect(self.data.database)
        replaced.note(connection, int(self.wall * 1000), "restored")
        connection.commit()
        connection.close()
        self.crash()

    def end(self) -> None:
        self.run(self.engine.stop())
        self._end()

    def _end(self) -> None:
        tasks = asyncio.all_tasks(self.loop)
        for task in tasks:
            task.cancel()
        self._now = self.loop.time()
        if tasks:
            self.loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self.tasks.clear()
        self.loop.close()

    # --- steps ------------------------------------------------------------------------------------------------------

    def run(self, work: Awaitable[T]) -> T:
        return self.loop.run_until_complete(work)

    def begin(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = self.loop.create_task(work)
        self.tasks.add(task)
        return task

    def turn(self, turns: int) -> None:
        """Lets everything that can go on do so `turns` times, while no time passes."""

        async def spin() -> None:
            for _ in range(turns):
                await asyncio.sleep(0)

        self.run(spin())
        for task in [task for task in self.tasks if task.done()]:
            self.tasks.discard(task)
            task.result()

    def wait(self, seconds: float) -> None:
        self.run(asyncio.sleep(seconds))
        self.turn(1)

    async def accept(self, bodies: list[TriggerBody]) -> None:
        arrived = self.loop.time()
        for answer, body in zip(await self.engine.intake.accept_all(SOMEBODY, bodies), bodies, strict=True):
            if isinstance(answer, Problem):
                assert answer.code in {"SCREEN_NOT_FOUND", "ORDER_NOT_FOUND", "REQUEST_EXPIRED"}, answer
                continue
            self.promised[body.id] = body
            for delivery in answer.deliveries:
                self.modes[delivery.id] = body.mode
                if not answer.duplicate:
                    self.deadlines[delivery.id] = arrived + (body.ttl_seconds or 600)

    def body(self, order_id: str, target: str, mode: Any, *, display: int | None, ttl: int) -> TriggerBody:
        body = TriggerBody(
            id=str(uuid.UUID(int=len(self.modes) + len(self.tasks) * 1_000_000 + int(self.loop.time() * 1e6) << 32)),
            timestamp=int(self.wall * 1000), order_id=order_id, target=target, mode=mode, display_index=display,
            ttl_seconds=ttl,
        )  # fmt: skip
        for screen_id in self.clients:
            self.modes[f"{body.id}:{screen_id}"] = mode
            self.deadlines[f"{body.id}:{screen_id}"] = self.loop.time() + ttl + 5
        return body

    async def connect(self, screen_id: str, capabilities: list[str]) -> None:
        client = self.clients[screen_id]
        if screen_id not in self.engine.screens:
            return
        wire = client.wire = Wire(client)
        client.opening.clear()
        client.answers = True
        principal = Principal("screen", screen_id, Role.OPERATOR, screen_id=screen_id)
        hello = Hello(capabilities=capabilities, restore=True)
        wire.session = await self.engine.conversation.open(
            hello, principal, wire, base_url="http://here", address="1.2.3.4"
        )

    def disconnect(self, screen_id: str) -> None:
        client = self.clients[screen_id]
        wire, client.wire = client.wire, None
        client.opening.clear()
        if wire is not None and wire.session is not None:
            self._within(lambda: self.engine.conversation.gone(wire.session, "closed"))  # type: ignore[arg-type]

    def _within(self, call: Callable[[], None]) -> None:
        async def run() -> None:
            call()

        self.run(run())

    # --- what must hold ---------------------------------------------------------------------------------------------

    def check(self, client: Client, message: Navigate) -> None:
        """Whether this may be sent now. What is wrong is told by the next `audit`, outside of the appliance."""
        dispatcher = self.engine.dispatcher
        rows = dispatcher.opened.lane(client.screen_id, message.display_index).rows
        if message.restored is True:
            if rows:
                self.broken.append("a document is restored while another is on its way")
            return
        flying = [row.delivery.id for row in rows if row.delivery.state in IN_FLIGHT]
        if flying != [message.id]:
            self.broken.append(f"in flight in one lane: {flying}")
        late = self.loop.time() - self.deadlines[message.id]
        if late > 0.001:
            self.broken.append(f"{message.id} was sent {late} s after its time to live")

    def audit(self) -> None:
        """Reads what is on disk and holds it against what was there before."""
        assert not self.broken, self.broken
        connection = sqlite3.connect(f"{self.data.database.absolute().as_uri()}?mode=ro", uri=True)
        try:
            found = {delivery.pk: delivery for delivery in read_deliveries(connection, "ORDER BY d.pk")}
        finally:
            connection.close()
        assert self.saved.keys() <= found.keys(), "something was removed"
        triggers = {delivery.trigger_id for delivery in found.values()}
        assert self.promised.keys() <= triggers, "something that was promised is not on disk"
        for key, delivery in found.items():
            _sound(delivery)
            before = self.saved.get(key)
            if before is not None:
                _follows(before, delivery)
        self.saved = found


def _sound(delivery: Delivery) -> None:
    state, final = delivery.state, delivery.final
    ended = state in (State.SHOWN, State.SUPERSEDED, State.DEAD)
    assert final if ended else not final or state is State.RECEIVED
    assert (delivery.code is not None) == (state is State.DEAD)
    assert not delivery.listed or state is State.DEAD
    assert state is not State.SHOWN or delivery.evidence
    steps = [(line.round, line.attempt) for line in delivery.history]
    assert steps == sorted(steps), "the history goes back"
    assert steps[-1] <= (delivery.round, delivery.attempt)
    assert delivery.losses <= 20
    assert delivery.auto_rounds <= 3


def _follows(before: Delivery, now: Delivery) -> None:
    """Whether one may have become the other."""
    assert now.history[: len(before.history)] == before.history, "the history was rewritten"
    assert (now.round, now.seq) >= (before.round, before.seq)
    if not before.final:
        return
    if before.state is not State.DEAD:
        assert (now.state, now.round, now.evidence) == (before.state, before.round, before.evidence), "it had ended"
    elif now.state is not State.DEAD:
        assert now.round > before.round or now.state is State.SHOWN
        assert before.listed or now.state is State.SHOWN


def fresh(template: Path, root: Path) -> Path:
    """A copy of a data directory to live in."""
    return Path(shutil.copytree(template, root))
