"""The step `gates` of a run: its formatters, gates and teardowns, in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specguard.errors import MissingFact, SpecguardError
from specguard.executor.ending import RunEnded, ended_by
from specguard.executor.gate_grounds import PlaceGround
from specguard.executor.gate_plans import planned_gates
from specguard.executor.gate_round import GateRound, is_owed
from specguard.executor.gate_told import told_of_gate
from specguard.executor.reports import outcome

if TYPE_CHECKING:
    from specguard.executor.run import Run


def take_down_owed(run: Run) -> list[str]:
    """Run the teardowns that a round of a run did not come to, because its process died.

    Args:
        run: nobody else works on it.

    Returns:
        What was done, in sentences; none where nothing is owed.
    """
    if not is_owed(run.folder):
        return []
    if run.place is None:
        return ["what its gates set up may be up still: the run's place, in which it is taken down, is gone"]
    try:
        plan = planned_gates(run.policy, run.item, commands=run.options.commands)
        done = GateRound(run, PlaceGround(run), plan).take_down_owed()
    except (MissingFact, RunEnded, SpecguardError) as error:
        return [f"what its gates set up may be up still: {ended_by(error).reason}"]
    return [f"took down what its gates had set up: {one.command}, {outcome(one)}" for one in done]


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
    plan = planned_gates(run.policy, run.item, commands=run.options.commands)
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
