"""How far the tasks of plans are: which can be begun now, and what the others wait for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from specguard.documents.fields import normal_name
from specguard.model import path_text
from specguard.planning.boxes import Boxes
from specguard.planning.folders import TASKS, source_folders
from specguard.plans.verification import commands_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any, Final, Literal

    from specguard.executor.plans import PlanFile
    from specguard.planning.folders import SourceFolder
    from specguard.plans.plan import Plan
    from specguard.plans.task import Task

    State = Literal["done", "begun", "ready", "waiting", "blocked", "deferred"]

SCHEMA: Final = "specguard.plans/1"
STATES: Final = ("done", "begun", "ready", "waiting", "blocked", "deferred")
"""The states of a task, in the order in which a table has them."""

_BLOCKED: Final = "blocked"


@dataclass(frozen=True)
class TaskState:
    """A task, and how far it is.

    Attributes:
        id: what it is called.
        title: what it is.
        status: its status as it is written.
        state: one of `STATES`.
        waits: why it is not ready, one clause each: for a stage, a task, or for a command that verifies it.
        verify: the commands that verify it.
        files: the files that it is expected to touch.
        done: what holds when it is done.
        line: its line in the file; 0 where it is not known.
    """

    id: str
    title: str
    status: str
    state: State
    waits: Sequence[str]
    verify: Sequence[str]
    files: Sequence[str]
    done: Sequence[str]
    line: int

    @property
    def data(self) -> dict[str, Any]:
        """The same for a report."""
        return {
            "id": self.id,
            "title": self.title,
            "status": self.status,
            "state": self.state,
            "waits": list(self.waits),
            "verify": list(self.verify),
            "expected_files": list(self.files),
            "done_criteria": list(self.done),
            "line": self.line or None,
        }


@dataclass(frozen=True)
class PlanState:
    """A plan, or a folder that none was made of yet.

    Attributes:
        name: its name.
        path: the file that lists its tasks.
        form: `plan`, or whose form the folder has: `openspec` or `spec-kit`.
        source: the folder that it was made from; empty where it names none.
        tasks: its tasks, in order.
    """

    name: str
    path: str
    form: str
    source: str
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
        return {
            "name": self.name,
            "path": self.path,
            "form": self.form,
            "source": self.source or None,
            "counts": self.counts,
            "next": self.next.id if self.next else None,
            "tasks": [task.data for task in self.tasks],
        }


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
    found += [_folder(folder) for folder in source_folders(top) if folder.path not in made]
    return found


def _plan(plan: Plan, stage: str) -> PlanState:
    value = plan.data.value
    source = value.get("source") if isinstance(value, dict) else ""
    return PlanState(
        plan.name,
        path_text(plan.path),
        "plan",
        source if isinstance(source, str) else "",
        [_task(task, stage) for task in plan.tasks],
    )


def _task(task: Task, stage: str) -> TaskState:
    waits = [*([stage] if stage else ()), *_waits(task)]
    state: State
    if task.done:
        state = "done"
    elif task.deferred:
        state = "deferred"
    elif normal_name(task.status) == _BLOCKED:
        state = "blocked"
    elif task.started:
        state = "begun"
    else:
        state = "waiting" if waits else "ready"
    return TaskState(
        task.id,
        task.title,
        task.status,
        state,
        waits,
        [command for _, command in commands_of(task)],
        task.expected_files,
        task.done_criteria,
        task.line or 0,
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
    boxes = Boxes(folder.read(TASKS) or "")
    tasks = []
    for box, needed in boxes.needs():
        waits = [f"{one.name}, which is open" for one in needed if not one.ticked]
        state: State = "done" if box.ticked else "waiting" if waits else "ready"
        tasks.append(
            TaskState(
                box.id or f"line {box.line}",
                re.sub(r"[*`]+", "", box.text),
                "ticked" if box.ticked else "open",
                state,
                [] if box.ticked else waits,
                box.values("verify"),
                box.values("files"),
                box.values("done"),
                box.line,
            )
        )
    return PlanState(folder.name, f"{folder.path}/{TASKS}", folder.form, folder.path, tasks)
