"""The task of a plan that a run works on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specguard.change.documents import Documents
from specguard.change.tree import Tree
from specguard.model import path_text
from specguard.plans.plans import read_plan
from specguard.plans.verification import commands_of
from specguard.work.gates import PlannedGate, name_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from specguard.authority.policy import Policy
    from specguard.change.git import Git
    from specguard.plans.task import Task
    from specguard.work.item import WorkItem


def task_of(policy: Policy, item: WorkItem | None) -> Task | None:
    """The task that an item is, as the base has it; None where no plan of the policy lists it.

    Raises:
        MissingFact: the plan cannot be read.
    """
    if item is None or item.listed is None:
        return None
    source = item.listed.source
    plan = read_plan(policy.declared("plan_kinds"), source.path, source.documents)
    return None if plan is None else plan.task(item.listed.id)


def task_in(policy: Policy, git: Git, commit: str, task: Task) -> Task | None:
    """The same task as another commit has it; None where its plan does not list it there.

    Raises:
        MissingFact: the commit or the plan cannot be read.
    """
    documents = Documents(Tree(git, git.commit(commit).tree))
    plan = read_plan(policy.declared("plan_kinds"), task.plan.path, documents)
    return None if plan is None else plan.task(task.id)


def verify_gates(policy: Policy, item: WorkItem | None) -> Iterator[PlannedGate]:
    """The commands that a task is verified by, as gates.

    Raises:
        MissingFact: the plan cannot be read.
    """
    task = task_of(policy, item)
    if task is None:
        return
    for place, command in commands_of(task):
        yield PlannedGate(
            name=name_of(command),
            run=command,
            source="plan",
            path=path_text(task.plan.path),
            line=task.line_of(*place) or 0,
        )
