"""The plans of a checkout, and what they and the runs of their tasks say differently."""

from __future__ import annotations

import glob
import os
from typing import TYPE_CHECKING, Any

from specguard.declaration.rule import Record
from specguard.documents.data import data_kind, data_of
from specguard.errors import MissingFact, SpecguardError
from specguard.executor.item import is_within
from specguard.model import path_text
from specguard.plans.plans import Plan, plan_templates
from specguard.plans.task import Task, marked
from specguard.plans.verification import evidence_of, proofs_of, same_command
from specguard.work.kinds import normal_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from specguard.change.git import Git
    from specguard.plans.settings import PlanKind
    from specguard.runs.settings import RunSettings
    from specguard.runs.views import RunView


class PlanFile:
    """The file of a plan in a checkout.

    Args:
        file: its absolute path.
        plan: what it says.
        text: the same as it is written.

    Attributes:
        plan: the same.
    """

    def __init__(self, file: str, plan: Plan, text: str) -> None:
        self.file = file
        self.plan = plan
        self._text = text

    def mark(self, task: Task, *, status: str, evidence: Sequence[Any] = ()) -> None:
        """Give a task another status, and add to what it has for evidence; all else stays as it is written.

        Raises:
            SpecguardError: the plan is no JSON, or cannot be written.
        """
        self._text = marked(self._text, task, status=status, evidence=evidence)
        temporary = f"{self.file}.specguard"
        try:
            with open(temporary, "x", encoding="utf-8", newline="") as stream:
                stream.write(self._text)
            os.chmod(temporary, os.stat(self.file).st_mode & 0o777)
            os.replace(temporary, self.file)
        except OSError as error:
            raise SpecguardError(
                f"the plan cannot be written: {error.strerror}", path=self.file, code="unwritable-file"
            ) from error


def plan_files(kinds: Mapping[str, PlanKind], root: str, only: str = "") -> list[PlanFile]:
    """The plans of a checkout, by path; links lead to none.

    Args:
        kinds: the policy's kinds of plans by name.
        root: the checkout's root.
        only: one plan's file or folder, from the working directory or absolute; empty: all.

    Raises:
        SpecguardError: there is none, or a file cannot be read.
    """
    found: dict[str, PlanFile] = {}
    wanted = os.path.realpath(only) if only else ""
    for name, template in plan_templates(kinds):
        for path in sorted(
            glob.glob(template.render({}), root_dir=root, recursive=True, include_hidden=True)
        ):
            file = os.path.join(root, path)
            fields = template.read(os.fsencode(path))
            if fields is None or os.path.realpath(file) != os.path.join(os.path.realpath(root), path):
                continue
            if wanted and wanted not in (os.path.realpath(file), os.path.dirname(os.path.realpath(file))):
                continue
            found.setdefault(path, _read(file, os.fsencode(path), name, kinds[name], fields))
    if not found:
        tried = ", ".join(template.render({}) for _, template in plan_templates(kinds))
        missing = f"there is no plan here; tried: {tried}" if tried else "the policy describes no plans"
        raise SpecguardError(
            f"there is no plan {only}" if only else missing,
            help="name it with --plan" if tried else "describe plans in the policy: [plans.<name>]",
            code="unknown-name",
        )
    return list(found.values())


def _read(file: str, path: bytes, kind: str, settings: PlanKind, fields: Mapping[str, str]) -> PlanFile:
    try:
        with open(file, "rb") as stream:
            content = stream.read()
        text = content.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SpecguardError(
            f"the plan cannot be read: {error}", path=file, code="unreadable-file"
        ) from error
    data = data_of(content, data_kind(path) or "json")
    if data.problem is not None:
        raise SpecguardError(
            f"the plan cannot be read: {data.problem.message}",
            path=path_text(path),
            line=data.problem.line,
            code="unreadable-file",
        )
    folder = path.removesuffix(b"/" + settings.plan.encode("utf-8"))
    return PlanFile(file, Plan(kind, settings, fields=fields, folder=folder, path=path, data=data), text)


class Drift(Record):
    """A task of which its plan and its runs say different things.

    Attributes:
        file: the plan's file.
        task: the task.
        why: what its runs say, as a sentence.
        status: the status that brings them together; empty: a person has to decide.
        evidence: what goes with that status.
    """

    file: PlanFile
    task: Task
    why: str
    status: str = ""
    evidence: Sequence[Any] = ()

    @property
    def data(self) -> dict[str, Any]:
        """What is told of it, as JSON can hold it."""
        return {
            "plan": path_text(self.task.plan.path),
            "line": self.task.line,
            "task": self.task.id,
            "status": self.task.status,
            "becomes": self.status or None,
            "why": self.why,
            "evidence": list(self.evidence),
        }

    def write(self) -> None:
        """Write the status that brings them together, with its evidence.

        Raises:
            SpecguardError: the plan cannot be written.
        """
        self.file.mark(self.task, status=self.status, evidence=self.evidence)


class Sync:
    """Compares plans with runs.

    Args:
        files: the plans of the checkout.
        runs: the runs, the newest last.
        settings: which statuses of a run are a success, and where runs are.
        git: reads the repository.
        root: the root of the checkout.
    """

    def __init__(
        self,
        files: Sequence[PlanFile],
        runs: Sequence[RunView],
        settings: RunSettings,
        *,
        git: Git,
        root: str,
    ) -> None:
        self._files = files
        self._settings = settings
        self._git = git
        self._root = root
        self._runs = self._by_task(runs)

    def drifts(self) -> Iterator[Drift]:
        """Every task of which its plan and its runs say different things, in the order of the plans."""
        for file in self._files:
            for task in file.plan.tasks:
                runs = self._runs.get((file.plan.path, normal_id(task.id)), [])
                found = self._drift(file, task, runs) if task.id else None
                if found is not None:
                    yield found

    def _drift(self, file: PlanFile, task: Task, runs: Sequence[RunView]) -> Drift | None:
        if any(run.alive for run in runs):
            return None
        good = next((run for run in reversed(runs) if self._counts(run)), None)
        if task.done:
            return self._unproven(file, task, runs, good)
        if good is not None:
            return self._done(file, task, good)
        if not task.started:
            return None
        if not runs:
            return Drift(file, task, "no run of it is kept here")
        last = runs[-1]
        if self._is_good(last):
            # Its branch is still to be merged.
            return None
        state = "died" if last.stale else f"ended: {last.state}"
        return Drift(file, task, f"its last run {last.run_id} {state}", status=task.plan.settings.statuses[0])

    def _unproven(
        self, file: PlanFile, task: Task, runs: Sequence[RunView], good: RunView | None
    ) -> Drift | None:
        """A task that is done although every run of it failed, and nothing but a run is there to show it."""
        evidence = evidence_of(task)
        if good is not None or not runs or evidence.manual or any(map(self._is_good, runs)):
            return None
        last = runs[-1]
        cites = any(last.run_id in cited.path for cited in evidence.runs)
        named = any(last.run_id == said for said in _run_ids(task))
        if evidence and not (cites or named):
            return None
        return Drift(file, task, f"its last run {last.run_id} ended: {last.state}")

    def _done(self, file: PlanFile, task: Task, run: RunView) -> Drift:
        evidence = self._evidence(task, run)
        if not evidence:
            why = f"its run {run.run_id} succeeded, and ran no command that verifies it"
            return Drift(file, task, why)
        status = task.plan.settings.done[0]
        said = [
            one for key in task.plan.settings.keys_of("verification") for one in _entries(task.value.get(key))
        ]
        evidence = [one for one in evidence if one not in said]
        return Drift(file, task, f"its run {run.run_id} succeeded", status=status, evidence=evidence)

    def _evidence(self, task: Task, run: RunView) -> list[Mapping[str, Any]]:
        """What a run shows for a task: its commands with their exit codes, or its record in the tree."""
        if run.manifest is not None:
            found: list[Mapping[str, Any]] = []
            for command in proofs_of(task):
                codes = [one.exit_code for one in run.manifest.commands if same_command(one.command, command)]
                if not codes or codes[-1] != 0:
                    return []
                found.append({"command": command, "exit_code": 0, "run_id": run.run_id})
            return found
        inside = os.path.relpath(run.path, self._root)
        if inside.startswith(os.pardir):
            return []
        return [{"manifest": f"{inside}/{run.layout}"}]

    def _counts(self, run: RunView) -> bool:
        """Whether a run succeeded, and what it made is in the checkout's history."""
        if not self._is_good(run):
            return False
        manifest = run.manifest
        if manifest is None:
            return True
        head = self._git.repository.head
        if manifest.commit is None or head is None:
            return False
        try:
            return is_within(self._git, manifest.commit, head)
        except MissingFact:
            return False

    def _is_good(self, run: RunView) -> bool:
        return run.succeeded

    def _by_task(self, runs: Sequence[RunView]) -> Mapping[tuple[bytes, str], list[RunView]]:
        """The runs of each task. An older record names no plan: it counts where only one has that task."""
        found: dict[tuple[bytes, str], list[RunView]] = {}
        for run in runs:
            if run.manifest is not None:
                item = run.manifest.item
                if item.plan is not None:
                    found.setdefault((os.fsencode(item.plan), normal_id(item.id)), []).append(run)
                continue
            name = normal_id(run.item)
            plans = [file.plan for file in self._files if name and file.plan.task(run.item) is not None]
            if len(plans) == 1:
                found.setdefault((plans[0].path, name), []).append(run)
        return found


def _entries(said: Any) -> Sequence[Any]:
    return said if isinstance(said, list) else [said]


def _run_ids(task: Task) -> Iterator[str]:
    for key in task.plan.settings.keys_of("verification"):
        for one in _entries(task.value.get(key)):
            if isinstance(one, dict) and isinstance(one.get("run_id"), str):
                yield one["run_id"]
