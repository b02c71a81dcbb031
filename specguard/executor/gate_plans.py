"""The gates of a run: the policy's, the document's, and those that flags ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specguard.executor.tasks import verify_gates
from specguard.work.gates import Gates, flag_gates, gates_of, gates_of_kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from specguard.authority.policy import Policy
    from specguard.work.gates import PlannedGate
    from specguard.work.item import WorkItem
    from specguard.work.kinds import WorkKind


def planned_gates(policy: Policy, item: WorkItem | None, *, commands: Sequence[str] = ()) -> Gates:
    """All gates of an item, with those that verify a task; without one those of every kind in the policy.

    Args:
        policy: the base's.
        item: the work item, resolved in the base.
        commands: what `--command` says.

    Returns:
        The gates, each command once, and what the document says and is not run.

    Raises:
        MissingFact: the document or the plan cannot be read.
    """
    if item is not None:
        found = gates_of(item, policy.origins).and_also(verify_gates(policy, item))
    else:
        kinds: Mapping[str, WorkKind] = policy.declared("work_kinds")
        every: list[PlannedGate] = []
        for name, kind in kinds.items():
            for gate in gates_of_kind(name, kind, policy.origins):
                # Kinds often share their gates; what differs in more than where it is written is another.
                if not any(_same(gate, other) for other in every):
                    every.append(gate)
        found = Gates(every)
    return found.and_also(flag_gates(commands))


def _same(one: PlannedGate, other: PlannedGate) -> bool:
    return one.but(name="", path="", line=0) == other.but(name="", path="", line=0)
