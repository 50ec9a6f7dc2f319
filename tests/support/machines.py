"""Hypothesis' state machines, run with settings of their own and no examples kept between runs."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test


def run(machine: type[RuleBasedStateMachine], examples: int, steps: int = 50, **more: Any) -> None:
    """Tries so many lives of so many steps; a failing one is shrunk and printed with what reproduces it."""
    run_state_machine_as_test(
        machine,
        settings=settings(
            **{
                "max_examples": examples,
                "stateful_step_count": steps,
                "deadline": None,
                "database": None,
                "print_blob": True,
                "report_multiple_bugs": False,
                "phases": (Phase.generate, Phase.shrink),
                "suppress_health_check": list(HealthCheck),
                **more,
            }
        ),
    )
