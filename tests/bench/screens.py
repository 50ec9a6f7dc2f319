"""The screens: one process that holds all of them, each a bare WebSocket client that costs next to nothing.

`python -m tests.bench.screens HOST PORT PAIRINGS NAVIGATED ENDED`. It prints `ready` once every screen was welcomed,
then answers each navigate with `received` and `shown`, and writes down when each came, and when the screen was told of
the delivery's end. A line on stdin ends it.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import uvloop

from tests.bench.record import Record
from tests.bench.wire import Client, frame

AT_ONCE = 50
_SHOWN = b'","status":"shown","display":{"index":0},"url":"http://bench.invalid/document"}'


class Screen(Client):
    """One screen: acks every navigate."""

    __slots__ = ("_ended", "_navigated")

    def __init__(self, hello: bytes, welcomed: asyncio.Future[None], navigated: Record, ended: Record) -> None:
        super().__init__(hello, welcomed)
        self._navigated = navigated
        self._ended = ended

    def heard(self, payload: bytes, now: int) -> None:
        if payload.startswith(b'{"type":"navigate"'):
            start = payload.index(b'"id":"') + 6
            delivery = payload[start : payload.index(b'"', start)]
            self._navigated.add(delivery[:36], now)
            ack = b'{"type":"ack","id":"' + delivery
            self.send(frame(ack + b'","status":"received"}') + frame(ack + _SHOWN))
        elif payload.startswith(b'{"type":"delivery"'):
            start = payload.index(b'"id":"') + 6
            self._ended.add(payload[start : start + 36], now)


async def main(host: str, port: int, pairings: list[dict[str, str]], navigated_file: Path, ended_file: Path) -> None:
    loop = asyncio.get_running_loop()
    navigated, ended = Record(), Record()
    gate = asyncio.Semaphore(AT_ONCE)

    async def connect(pairing: dict[str, str]) -> None:
        hello = {
            "type": "hello",
            "token": pairing["accessToken"],
            "client": {"name": pairing["screenId"], "version": "bench"},
            "capabilities": ["shown"],
            "displays": [{"index": 0, "name": "bench", "primary": True}],
        }
        async with gate:
            await Screen(json.dumps(hello).encode(), loop.create_future(), navigated, ended).connect(host, port)

    await asyncio.gather(*(connect(pairing) for pairing in pairings))
    print("ready", flush=True)
    await loop.run_in_executor(None, sys.stdin.readline)
    navigated.save(navigated_file)
    ended.save(ended_file)
    print(len(navigated), flush=True)


if __name__ == "__main__":
    found = [json.loads(line) for line in Path(sys.argv[3]).read_text().splitlines()]
    uvloop.run(main(sys.argv[1], int(sys.argv[2]), found, Path(sys.argv[4]), Path(sys.argv[5])))
