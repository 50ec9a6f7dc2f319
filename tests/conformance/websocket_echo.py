"""The WebSocket endpoint's own frame handling with an echo on top: what the Autobahn suite is run against, by hand.

`python -m tests.conformance.websocket_echo --port 9001` (see README.md beside it).
"""

from __future__ import annotations

import argparse
import asyncio

from aiohttp import web

from appliance.transports import frames
from appliance.transports.bounds import Backlog
from appliance.transports.connection import Connection
from appliance.transports.upgrade import upgrade

MAX_MESSAGE = 64 << 20  # the suite's longest is 16 MB
_BUFFER = 1 << 30


class Echo(Connection):
    """Says what it hears."""

    def received(self, data: str | bytes) -> None:
        if isinstance(data, str):
            self.write(frames.TEXT, data.encode())
        else:
            self.write(frames.BINARY, data)


def application(*, limit: int = MAX_MESSAGE, bound: int = _BUFFER) -> web.Application:
    """The echo at every path."""
    backlog = Backlog(total=_BUFFER)

    async def serve(request: web.Request) -> web.StreamResponse:
        return await upgrade(request, lambda wire: Echo(wire, backlog, limit=limit, bound=bound))

    app = web.Application()
    app.router.add_get("/{path:.*}", serve)
    return app


async def _run(port: int) -> None:
    runner = web.AppRunner(application(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    print(f"ws://127.0.0.1:{port}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=9001)
    port = parser.parse_args().port
    try:
        import uvloop
    except ImportError:
        asyncio.run(_run(port))
    else:
        uvloop.run(_run(port))
