from __future__ import annotations

import subprocess
import sys

from tests.lan import Lan, lan_of_namespaces  # noqa: F401


def test_the_lan_fixture_runs_anything_in_a_host(lan: Lan) -> None:
    one, two = lan.host(), lan.host()
    server = one.start(
        sys.executable,
        "-c",
        "import socket\ns = socket.create_server(('', 8480))\nprint('up', flush=True)\ns.accept()[0].send(b'hello')",
    )
    assert server.stdout and server.stdout.readline() == "up\n"
    call = f"import socket; print(socket.create_connection(('{one.address}', 8480), 5).recv(9).decode())"
    answer: subprocess.CompletedProcess[str] = two.run(sys.executable, "-c", call)
    assert answer.stdout == "hello\n"
