"""The step `gates` of a run: its formatters, gates and teardowns, in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specguard.errors import MissingFact
from specguard.executor.ending import RunEnded
from specguard.executor.gate_grounds import PlaceGround
from specguard.executor.gate_plans import planned_gates
from specguard.executor.gate_round import GateRound
from specguard.executor.gate_told import told_of_gate

if TYPE_CHECKING:
    from specguard.executor.run import Run


def run_gates(run: Run) -> bool:
    """Run the formatters and all gates of a run in its place, and take down again what they set up.

    Failing ones are added to `run.told`; what was noticed beside is in `manifest.notes`.

    Args:
        run: its place is made, and nobody else works in it.

    Returns:
        Whether all passed. With no gate at all that is so, and noted.

    Raises:
        RunEnded: a gate needs a program that is not there, did what no gate may do, or the run's time is
            over.
    """
    try:
        plan = planned_gates(run.policy, run.item, commands=run.options.commands)
    except MissingFact as missing:
        raise RunEnded(
            "failed", missing.reason, help=missing.command, code=2, error=missing.code
        ) from missing
    gates = GateRound(run, PlaceGround(run), plan)
    passed = gates.carry_out()
    run.told += [told_of_gate(run, result.gate, command) for result, command in gates.failures]
    if gates.missing:
        gate, program = gates.missing[0]
        raise RunEnded(
            "failed",
            f"the {gate.kind} {gate.name} ({gate.named}) needs {program}, which is not on the path",
            help=f"install {program}, or see that PATH has it",
            error="program-missing",
        )
    return passed
