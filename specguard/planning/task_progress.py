"""The progress of plans' tasks: which can begin, which wait and for what, and the runs of each."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from specguard.change.check_request import read_bounded
from specguard.change.git import Git
from specguard.documents.completeness import is_todo
from specguard.documents.data import DATA_LIMIT, data_of
from specguard.errors import SpecguardError
from specguard.model import Record, only_text, path_text
from specguard.planning.plan_sources import TASKS, Boxes, SourceFolder, source_folders
from specguard.plans.plans import Plan
from specguard.plans.task import Task, mark_task
from specguard.plans.verification import evidence_of, same_command
from specguard.reporters.file_writing import replace_file, writing
from specguard.runs.store import RunView
from specguard.work.kinds import PlanKind, normal_id

SCHEMA: Final = "specguard.plans/1"
STATES: Final = ("done", "begun", "ready", "waiting", "blocked", "deferred")
"""The states of a task, in the order of a table's columns."""


@dataclass(frozen=True)
class TaskState:
    """A task and its progress, for a report.

    Attributes:
        id: the task's id.
        title: the task's title.
        status: the status as it is written.
        state: one of `STATES`.
        waits: the reasons why the task is not ready, one clause each: a stage, a task, or a missing command.
        verify: the commands that verify the task.
        expected_files: the files that the task is expected to touch.
        done_criteria: the conditions that hold when the task is done.
        line: the line in the file; None if unknown.
    """

    id: str
    title: str
    status: str
    state: str
    waits: list[str]
    verify: list[str]
    expected_files: list[str]
    done_criteria: list[str]
    line: int | None


@dataclass(frozen=True)
class PlanState:
    """A plan, or a source folder without a plan.

    Attributes:
        name: the plan's name.
        path: the file that lists the tasks.
        form: `plan`, or the folder's form: `openspec` or `spec-kit`.
        source: the folder that the plan was made from; None if it names none.
        tasks: the tasks, in order.
    """

    name: str
    path: str
    form: str
    source: str | None
    tasks: Sequence[TaskState]

    @property
    def counts(self) -> dict[str, int]:
        """The number of tasks in each state."""
        return {state: sum(1 for task in self.tasks if task.state == state) for state in STATES}

    @property
    def next(self) -> TaskState | None:
        """The first task that is ready; None if there is none."""
        return next((task for task in self.tasks if task.state == "ready"), None)

    @property
    def data(self) -> dict[str, Any]:
        """The data for a report."""
        return {**asdict(self), "counts": self.counts, "next": self.next.id if self.next else None}


def plan_states(files: Sequence[PlanFile], top: str, waiting: Mapping[bytes, str]) -> list[PlanState]:
    """Return the plans of a checkout, and its changes and features without a plan.

    Args:
        files: the plans' files.
        top: the checkout's root.
        waiting: the reason why all tasks of a plan wait, by the plan's path.

    Raises:
        SpecguardError: a file cannot be read.
    """
    found = [_plan_state(file.plan, waiting.get(file.plan.path, "")) for file in files]
    sources = {state.source for state in found}
    return [*found, *(_folder_state(folder) for folder in source_folders(top) if folder.path not in sources)]


def _plan_state(plan: Plan, stage: str) -> PlanState:
    source = only_text(plan.data.get("source")) or None
    tasks = [_task_state(task, stage) for task in plan.tasks]
    return PlanState(plan.name, path_text(plan.path), "plan", source, tasks)


def _task_state(task: Task, stage: str) -> TaskState:
    waits = [*([stage] if stage else ()), *_wait_reasons(task)]
    return TaskState(
        id=task.id,
        title=task.title,
        status=task.status,
        state=task.state(waiting=bool(waits)),
        waits=waits,
        verify=[command for _, command in task.commands],
        expected_files=list(task.expected_files),
        done_criteria=list(task.done_criteria),
        line=task.line,
    )


def _wait_reasons(task: Task) -> Iterator[str]:
    for need, other in task.open_needs:
        state = (other.status or "without a status") if other else "not a task of the plan"
        yield f"{need}, which is {state}"
    if task.lacks_commands:
        yield "a command in `verify` that can fail"


def _folder_state(folder: SourceFolder) -> PlanState:
    tasks = []
    for box, needed in Boxes(folder.read(TASKS) or "").dependencies():
        waits = [f"{one.name}, which is open" for one in needed if not (one.ticked or box.ticked)]
        if is_todo(box.title.rstrip(":[]{}, ")):
            waits.append("its text, which is a placeholder")
        tasks.append(
            TaskState(
                id=box.id or f"line {box.line}",
                title=box.title,
                status="ticked" if box.ticked else "open",
                state="done" if box.ticked else "waiting" if waits else "ready",
                waits=waits,
                verify=list(box.values("verify")),
                expected_files=box.files,
                done_criteria=list(box.values("done")),
                line=box.line,
            )
        )
    return PlanState(folder.name, f"{folder.path}/{TASKS}", folder.form, folder.path, tasks)


class PlanFile(Record, frozen=False):
    """The file of a plan in a checkout.

    Attributes:
        file: the absolute path.
        plan: the plan parsed from the file.
        text: the file's text.
    """

    file: str
    plan: Plan
    text: str

    def mark(self, task: Task, *, status: str, evidence: Sequence[Any] = ()) -> None:
        """Write another status of a task and further evidence; the rest of the file stays unchanged.

        Raises:
            SpecguardError: the plan cannot be written.
        """
        self.text = mark_task(self.text, task, status=status, evidence=evidence)
        replace_file(self.file, self.text, writing(self.file, what="the plan"))


def plan_files(kinds: Mapping[str, PlanKind], root: str, only: str = "") -> list[PlanFile]:
    """Read the plans of a checkout, by path; symbolic links are not followed.

    Args:
        kinds: the policy's kinds of plans by name.
        root: the checkout's root.
        only: one plan's file or folder, absolute or relative to the working directory or the root; empty for
            all plans.

    Raises:
        SpecguardError: the checkout has none of these plans, or a file cannot be read.
    """
    found: dict[str, PlanFile] = {}
    wanted = {os.path.realpath(only), os.path.realpath(os.path.join(root, only))} if only else set()
    for name, kind in kinds.items():
        paths = glob.glob(kind.task_file.render({}), root_dir=root, recursive=True, include_hidden=True)
        for path in sorted(paths):
            file = os.path.join(root, path)
            fields = kind.task_file.read(os.fsencode(path))
            if fields is None or os.path.realpath(file) != os.path.join(os.path.realpath(root), path):
                continue
            if wanted.isdisjoint((os.path.realpath(file), os.path.dirname(os.path.realpath(file)))) and only:
                continue
            found.setdefault(path, _read_file(file, os.fsencode(path), name, kind, fields))
    if not found:
        tried = ", ".join(kind.task_file.render({}) for kind in kinds.values())
        missing = f"there is no plan here; tried: {tried}" if tried else "the policy describes no plans"
        raise SpecguardError(
            f"there is no plan {only}" if only else missing,
            help="specguard plan status, or go to its branch" if tried else "describe plans: [plans.<name>]",
            code="unknown-name" if only or tried else "incomplete-policy",
        )
    return list(found.values())


def _read_file(file: str, path: bytes, kind: str, settings: PlanKind, fields: Mapping[str, str]) -> PlanFile:
    content = read_bounded(file, DATA_LIMIT, "the plan")
    data = data_of(content, "json")
    if data.problem is not None:
        message, line = f"the plan cannot be read: {data.problem.message}", data.problem.line
        raise SpecguardError(message, path=path_text(path), line=line, code="unreadable-file")
    return PlanFile(file, Plan(kind, settings, fields, path, data), content.decode("utf-8"))


class TaskDrift(Record):
    """A task whose plan and runs contradict each other.

    Attributes:
        file: the plan's file.
        task: the task.
        why: the result of its runs, as a sentence.
        status: the status that resolves the contradiction; empty if a person has to decide.
        evidence: the evidence for that status.
    """

    file: PlanFile
    task: Task
    why: str
    status: str = ""
    evidence: Sequence[Any] = ()

    @property
    def data(self) -> dict[str, Any]:
        """The data for JSON."""
        return {
            "plan": path_text(self.task.plan.path),
            "line": self.task.line,
            "task": self.task.id,
            "status": self.task.status,
            "becomes": self.status or None,
            "why": self.why,
            "evidence": list(self.evidence),
        }


class Sync(Record):
    """The comparison of plans with runs.

    Attributes:
        files: the plans of the checkout.
        runs: the runs, the newest last.
        git: reads the repository.
        root: the root of the checkout.
    """

    files: Sequence[PlanFile]
    runs: Sequence[RunView]
    git: Git
    root: str

    def drifts(self) -> Iterator[TaskDrift]:
        """Yield every task whose plan and runs contradict each other, in the order of the plans."""
        known = self._by_task()
        for file in self.files:
            for task in file.plan.tasks:
                runs = known.get((file.plan.path, normal_id(task.id)), [])
                if task.id and (found := self._drift(file, task, runs)) is not None:
                    yield found

    def _drift(self, file: PlanFile, task: Task, runs: Sequence[RunView]) -> TaskDrift | None:
        if any(run.alive for run in runs):
            return None
        success = next((run for run in reversed(runs) if self._is_landed(run)), None)
        if success is not None and not task.done:
            return self._done_drift(file, task, success)
        if task.done and (success is not None or not runs or not self._is_refuted(task, runs)):
            return None
        if not task.done and not task.started:
            return None
        if not runs:
            return TaskDrift(file, task, "no run of it is kept here")
        last = runs[-1]
        if last.succeeded:
            # The run's branch is not merged yet.
            return None
        state = ("hangs" if last.is_process_alive else "died") if last.stale else f"ended: {last.state}"
        status = "" if task.done else task.plan.settings.statuses[0]
        return TaskDrift(file, task, f"its last run {last.run_id} {state}", status=status)

    @staticmethod
    def _is_refuted(task: Task, runs: Sequence[RunView]) -> bool:
        """Return True if only a run could prove a done task, and every run of it failed."""
        evidence, last = evidence_of(task), runs[-1]
        if evidence.statements or any(run.succeeded for run in runs):
            return False
        cites = any(last.run_id in path for path, _ in evidence.runs)
        run_ids = [one.get("run_id") for one in task.evidence if isinstance(one, dict)]
        return not evidence or cites or last.run_id in run_ids

    def _done_drift(self, file: PlanFile, task: Task, run: RunView) -> TaskDrift:
        evidence = self._evidence(task, run)
        if not evidence:
            why = f"its run {run.run_id} succeeded, and ran no command that verifies it"
            return TaskDrift(file, task, why)
        new = [one for one in evidence if one not in task.evidence]
        status = task.plan.settings.done[0]
        return TaskDrift(file, task, f"its run {run.run_id} succeeded", status=status, evidence=new)

    def _evidence(self, task: Task, run: RunView) -> list[Mapping[str, Any]]:
        """Return a run's evidence for a task: commands with exit codes, or a file in the checkout."""
        if run.manifest is None:
            inside = os.path.relpath(run.path, self.root)
            return [] if inside.startswith(os.pardir) else [{"manifest": f"{inside}/{run.layout}"}]
        found: list[Mapping[str, Any]] = []
        for command in task.proving_commands:
            codes = [one.exit_code for one in run.manifest.commands if same_command(one.command, command)]
            if not codes or codes[-1] != 0:
                return []
            found.append({"command": command, "exit_code": 0, "run_id": run.run_id})
        return found

    def _is_landed(self, run: RunView) -> bool:
        """Return True if a run succeeded, and the commit of its manifest, if any, is in the history."""
        head, manifest = self.git.repository.head, run.manifest
        if not run.succeeded or manifest is None:
            return run.succeeded
        return bool(manifest.commit and head) and self.git.is_ancestor(manifest.commit or "", head or "")

    def _by_task(self) -> Mapping[tuple[bytes, str], list[RunView]]:
        """Return the runs of each task; a record without an item counts if exactly one plan has the task."""
        found: dict[tuple[bytes, str], list[RunView]] = {}
        for run in self.runs:
            item = run.manifest.item if run.manifest is not None else None
            name = normal_id(item.id if item is not None else run.item)
            plans = [file.plan.path for file in self.files if name and file.plan.task(run.item) is not None]
            if item is not None:
                plans = [os.fsencode(item.plan)] if item.plan is not None else []
            if len(plans) == 1:
                found.setdefault((plans[0], name), []).append(run)
        return found
