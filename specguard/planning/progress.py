"""How far the tasks of plans are: which can be begun now, and what the others wait for."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from specguard.documents.fields import normal_name
from specguard.model import path_text
from specguard.planning.task_lists import TASKS, Boxes, source_folders
from specguard.plans.verification import commands_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any, Final, Literal

    from specguard.executor.plan_drift import PlanFile
    from specguard.planning.task_lists import SourceFolder
    from specguard.plans.plans import Plan
    from specguard.plans.task import Task

    State = Literal["done", "begun", "ready", "waiting", "blocked", "deferred"]

SCHEMA: Final = "specguard.plans/1"
STATES: Final = ("done", "begun", "ready", "waiting", "blocked", "deferred")
"""The states of a task, in the order in which a table has them."""


@dataclass(frozen=True)
class TaskState:
    """A task, and how far it is, as a report has it.

    Attributes:
        id: what it is called.
        title: what it is.
        status: its status as it is written.
        state: one of `STATES`.
        waits: why it is not ready, one clause each: for a stage, a task, or for a command that verifies it.
        verify: the commands that verify it.
        expected_files: the files that it is expected to touch.
        done_criteria: what holds when it is done.
        line: its line in the file; None where it is not known.
    """

    id: str
    title: str
    status: str
    state: State
    waits: list[str]
    verify: list[str]
    expected_files: list[str]
    done_criteria: list[str]
    line: int | None


@dataclass(frozen=True)
class PlanState:
    """A plan, or a folder that none was made of yet.

    Attributes:
        name: its name.
        path: the file that lists its tasks.
        form: `plan`, or whose form the folder has: `openspec` or `spec-kit`.
        source: the folder that it was made from; None where it names none.
        tasks: its tasks, in order.
    """

    name: str
    path: str
    form: str
    source: str | None
    tasks: Sequence[TaskState]

    @property
    def counts(self) -> dict[str, int]:
        """How many tasks are in each state."""
        return {state: sum(1 for task in self.tasks if task.state == state) for state in STATES}

    @property
    def next(self) -> TaskState | None:
        """The first task that can be begun."""
        return next((task for task in self.tasks if task.state == "ready"), None)

    @property
    def data(self) -> dict[str, Any]:
        """The same for a report."""
        return {**asdict(self), "counts": self.counts, "next": self.next.id if self.next else None}


def plan_states(files: Sequence[PlanFile], top: str, waiting: Mapping[bytes, str]) -> list[PlanState]:
    """The plans of a checkout, and its changes and features of which there is none.

    Args:
        files: the plans' files.
        top: the checkout's root.
        waiting: what all tasks of a plan wait for, by its path.

    Raises:
        SpecguardError: a file cannot be read.
    """
    found = [_plan(file.plan, waiting.get(file.plan.path, "")) for file in files]
    made = {state.source for state in found}
    return [*found, *(_folder(folder) for folder in source_folders(top) if folder.path not in made)]


def _plan(plan: Plan, stage: str) -> PlanState:
    source = plan.data.get("source")
    tasks = [_task(task, stage) for task in plan.tasks]
    named = source if isinstance(source, str) and source else None
    return PlanState(plan.name, path_text(plan.path), "plan", named, tasks)


def _task(task: Task, stage: str) -> TaskState:
    waits = [*([stage] if stage else ()), *_waits(task)]
    states: Mapping[State, bool] = {
        "done": task.done,
        "deferred": task.deferred,
        "blocked": normal_name(task.status) == "blocked",
        "begun": task.started,
        "waiting": bool(waits),
    }
    return TaskState(
        id=task.id,
        title=task.title,
        status=task.status,
        state=next((state for state, holds in states.items() if holds), "ready"),
        waits=waits,
        verify=[command for _, command in commands_of(task)],
        expected_files=list(task.expected_files),
        done_criteria=list(task.done_criteria),
        line=task.line,
    )


def _waits(task: Task) -> Iterator[str]:
    for need in task.depends_on:
        other = task.plan.task(need)
        if other is None:
            yield f"{need}, which is no task of the plan"
        elif not (other.done or other.deferred):
            yield f"{other.id}, which is {other.status or 'without a status'}"
    if "verify" in task.plan.settings.required and not commands_of(task):
        yield "a command in `verify`"


def _folder(folder: SourceFolder) -> PlanState:
    tasks = []
    for box, needed in Boxes(folder.read(TASKS) or "").needs():
        waits = [f"{one.name}, which is open" for one in needed if not (one.ticked or box.ticked)]
        tasks.append(
            TaskState(
                id=box.id or f"line {box.line}",
                title=re.sub(r"[*`]+", "", box.text),
                status="ticked" if box.ticked else "open",
                state="done" if box.ticked else "waiting" if waits else "ready",
                waits=waits,
                verify=list(box.values("verify")),
                expected_files=list(box.values("files")),
                done_criteria=list(box.values("done")),
                line=box.line,
            )
        )
    return PlanState(folder.name, f"{folder.path}/{TASKS}", folder.form, folder.path, tasks)
