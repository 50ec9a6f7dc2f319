"""The description of the HTTP API: nothing is left out of it, and a stranger's tool that reads it finds no surprise."""

from __future__ import annotations

import asyncio
import re
import shutil
import sys
from pathlib import Path

import pytest

from appliance import __version__
from appliance.api.operations import OPERATIONS
from appliance.core.permissions import CALLS, PAGES
from appliance.paths import package_data
from tests.support.house import House
from tests.support.process import Served, environment

UNDESCRIBED = {
    ("GET", "/documents/{path}"), ("GET", "/ws"), ("*", "/socket.io/"), ("GET", "/trust/about.json"),
    ("GET", "/trust/vooster-ca.crt"), ("GET", "/trust/vooster-ca.pem"), ("GET", "/extension/vooster-extension.zip"),
    ("GET", "/extension/policy.json"), ("GET", "/extension/policy.reg"), ("GET", "/extension/policy.mobileconfig"),
}  # fmt: skip
"""Documents, what the pages about certificates and the extension offer, and wires that AsyncAPI describes."""
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance,negative_data_rejection,missing_required_header,unsupported_method,"
    "allow_header_conformance,use_after_free,ensure_resource_availability,ignored_auth"
)
"""All but `positive_data_acceptance`: what is accepted depends on clocks, codes and screens that no schema knows."""
SAMPLE_ORDERS = Path(str(package_data("samples"))) / "orders"
ENDLESS = ("/api/monitoring/stream", "/api/events/subscribe")
"""Streams: a tool that waits for their end waits for ever."""


async def test_every_call_is_described(house: House) -> None:
    assert OPERATIONS.keys() == CALLS.keys() - UNDESCRIBED - {("GET", page) for page in PAGES}
    answer = await house.call("GET", "/api/openapi.json")
    assert (answer.status, answer.json["openapi"], answer.json["info"]["version"]) == (200, "3.1.0", __version__)
    names = [call["operationId"] for calls in answer.json["paths"].values() for call in calls.values()]
    assert len(names) == len(set(names)) == len(OPERATIONS)
    assert (await house.call("GET", "/.well-known/vooster")).json["urls"]["openapi"] == f"{house.url}/api/openapi.json"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("role", ["nobody", "admin"])
async def test_a_tool_that_reads_it_finds_no_fault(tmp_path: Path, role: str) -> None:
    await explore(tmp_path, role, examples=2)


@pytest.mark.long
@pytest.mark.timeout(3_000)
@pytest.mark.parametrize("role", ["nobody", "viewer", "operator", "supervisor", "admin"])
async def test_a_tool_that_takes_its_time_finds_no_fault(tmp_path: Path, role: str) -> None:
    await explore(tmp_path, role, examples=60)


async def explore(root: Path, role: str, *, examples: int) -> None:
    """Schemathesis in all its phases against an appliance at work, with that role's credential."""
    served = Served(root)
    shutil.copytree(SAMPLE_ORDERS, served.orders, dirs_exist_ok=True)
    await served.start(VOOSTER_LIMITS_ENABLED="false")  # else most of it would be told to come back later
    try:
        said = await _run(served, role, examples)
    finally:
        await served.stop()
    assert "Failures:" not in said, said
    assert "Errors:" not in said, said
    cases = re.search(r"(\d+) generated, \d+ passed", said)
    assert cases is not None, said
    assert int(cases[1]) > 300, said
    assert "Traceback" not in served.log.read_text("utf-8")
    print(f"{role}: {cases[1]} calls")


async def _run(served: Served, role: str, examples: int) -> str:
    options = ["--phases", "examples,coverage,fuzzing,stateful", "--checks", CHECKS, "--seed", "1", "--no-color"]
    options += ["--max-examples", str(examples), "--continue-on-failure", "--request-timeout", "20"]
    for path in ENDLESS:
        options += ["--exclude-path", path]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{served.url}/api/openapi.json", *options),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=environment(**_credential(served, role)),
        cwd=served.orders.parent,
    )
    said, _ = await process.communicate()
    return said.decode()


def _credential(served: Served, role: str) -> dict[str, str]:
    if role == "nobody":
        return {}
    return {
        "SCHEMATHESIS_HOOKS": "tests.support.schemathesis_hooks",
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "VOOSTER_TEST_ROLE": role,
        "VOOSTER_TEST_SOCKET": str(served.data / "control.sock"),
    }
