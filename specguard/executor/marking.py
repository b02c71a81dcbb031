"""Marking the plan: a task is done once its commands were run again and the rules passed.

Where an agent's own tree is judged, nothing of the plan's folder may be touched. Only then specguard marks
the plan, in the same commit as the task's files: the status, with each command and how it ended, and a line
in the plan's log. That is what the rules let a commit for a task do to its plan, and no more.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from specguard.errors import SpecguardError
from specguard.executor.ending import RunEnded
from specguard.executor.gate_grounds import PlaceGround
from specguard.executor.gate_results import read_results
from specguard.executor.judging import judge
from specguard.executor.place import place_of
from specguard.executor.tasks import task_in, task_of
from specguard.model import EXIT_FAILED, path_text
from specguard.plans.marking import marked
from specguard.plans.verification import proofs_of, same_command

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from specguard.executor.run import Run
    from specguard.plans.task import Task


def has_to_finish(run: Run) -> bool:
    """Whether something is left to do once the agent's own tree has passed: its plan, or its whole branch.

    Raises:
        MissingFact: the plan cannot be read.
    """
    return run.manifest.repository.tip is not None or task_of(run.policy, run.item) is not None


def finish(run: Run) -> str:
    """Mark the plan, and judge all that the run's branch brings to the base.

    Returns:
        What was marked, in one sentence.

    Raises:
        RunEnded: the plan cannot be written, or what is marked does not keep to the rules.
    """
    said = mark(run)
    if not judge(run, whole=True):
        raise RunEnded(
            "failed",
            "the agent's own files pass, and what its branch brings to the base does not",
            help=f"{run.folder.command('report')} shows what is wrong",
            tail="\n".join(run.told),
            code=EXIT_FAILED,
            error="rules-failed",
        )
    return said


def mark(run: Run) -> str:
    """Mark the task of a run as done, in the files of its place.

    Args:
        run: its gates and its check passed; `manifest.worked` is set to the tree that they passed on.

    Returns:
        What was marked, in one sentence; empty where the task has no commands that prove anything, which is
        noted: a person has to verify it.

    Raises:
        RunEnded: the plan cannot be written, or a command did not end well after all.
    """
    task = _task(run)
    if task is None:
        return ""
    commands = proofs_of(task)
    if not commands:
        run.note(f"{task.name} has no commands that verify it, so the plan does not say that it is done.")
        return ""
    status = task.plan.settings.done[0]
    try:
        after = marked(_read(run, task.plan.path), task, status=status, evidence=_evidence(run, task))
    except SpecguardError as error:
        run.note(f"The plan is not marked: {error.message}.")
        return ""
    run.manifest.worked = run.manifest.tree
    run.save()
    _write(run, task.plan.path, after)
    for name in task.plan.settings.log:
        path = task.plan.folder + b"/" + os.fsencode(name)
        before = _read(run, path)
        line = f"- {task.id} verified: {task.title or 'no title'} (run {run.folder.run_id})\n"
        _write(run, path, before + ("\n" if before and not before.endswith("\n") else "") + line)
    return f"{task.name} is {status}, by {len(commands)} command{'' if len(commands) == 1 else 's'}"


def unmark(run: Run) -> None:
    """Take back what `mark` wrote, so that the agent's own tree can be worked on and judged again.

    Raises:
        RunEnded: it cannot be.
    """
    tree = run.manifest.worked
    if tree is None:
        return
    place = place_of(run)
    ground = PlaceGround(run)
    changed = place.git.diff_trees(tree, ground.tree())
    task = _task(run)
    own = [entry for entry in changed if task is not None and task.plan.holds(entry.path)]
    ground.restore(tree, own)
    run.manifest.worked = None
    run.save()


def _task(run: Run) -> Task | None:
    """The task as the place has it: a branch that holds several may have marked others before."""
    task = task_of(run.policy, run.item)
    place = place_of(run)
    return None if task is None else task_in(run.policy, place.git, place.base, task) or task


def _evidence(run: Run, task: Task) -> Sequence[Mapping[str, Any]]:
    """Each command that verifies the task, and how it ended in this run."""
    found = []
    results = read_results(run.folder)
    for command in proofs_of(task):
        told = run.redactor.words(command)
        codes = [code for one in results if same_command(one["run"], told) for code in one["exit_codes"]]
        if not codes or any(codes):
            raise RunEnded(
                "failed",
                f"{told!r}, which verifies {task.name}, was not run, or failed",
                help="see gates.json in the run's folder",
                code=2,
                error="gate-failed",
            )
        found.append({"command": command, "exit_code": 0, "run_id": run.folder.run_id})
    return found


def _read(run: Run, path: bytes) -> str:
    """The text of a file of the place; empty where there is none."""
    file = _file(run, path)
    if not os.path.lexists(file):
        return ""
    try:
        with open(
            os.open(file, os.O_RDONLY | os.O_NOFOLLOW), encoding="utf-8", errors="surrogateescape", newline=""
        ) as stream:
            return stream.read()
    except (OSError, ValueError) as error:
        raise RunEnded(
            "failed", f"{path_text(path)} cannot be read: {error}", code=2, error="unreadable-file"
        ) from error


def _write(run: Run, path: bytes, text: str) -> None:
    file = _file(run, path)
    temporary = file + b".specguard"
    try:
        with open(
            os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644), "wb"
        ) as stream:
            stream.write(text.encode("utf-8", "surrogateescape"))
        with suppress(OSError):
            os.chmod(temporary, os.stat(file).st_mode & 0o777)
        os.replace(temporary, file)
    except OSError as error:
        raise RunEnded(
            "failed",
            f"{path_text(path)} cannot be written: {error.strerror}",
            code=2,
            error="unwritable-file",
        ) from error


def _file(run: Run, path: bytes) -> bytes:
    """A file of the place, whose folder is no link out of it."""
    root = os.path.realpath(os.fsencode(place_of(run).path))
    file = os.path.join(root, path)
    folder = os.path.dirname(file)
    if os.path.realpath(folder) != folder:
        raise RunEnded(
            "failed",
            f"a link leads to {path_text(path)}, and is not written through",
            code=2,
            error="outside-repository",
        )
    return file
