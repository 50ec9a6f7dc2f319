"""`vooster trigger --wait` that gives up soon: no setting says so, and its own patience is for people."""

from __future__ import annotations

from appliance.cli import triggers


def wait_half_a_second() -> None:
    triggers._WAIT_MS = 500
