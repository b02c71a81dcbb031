"""`specguard plan`: plans from the proposal to the last task, and what was done for their tasks."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

import click

from specguard.change.git import Git
from specguard.change.repository import Repository
from specguard.cli.completion import FILE
from specguard.cli.options import in_directory
from specguard.cli.plan_look import next_task, status, validate
from specguard.cli.plan_write import create, init, proposal
from specguard.cli.run_store import in_root, open_store, trusted_policy
from specguard.errors import SpecguardError
from specguard.executor.place.files import identity
from specguard.executor.plans import Drift, PlanFile, Sync, plan_files
from specguard.model import EXIT_FAILED, EXIT_PASSED, path_text
from specguard.plans.verification import Manual, manual_problem
from specguard.reporters.escape import json_text, visible
from specguard.runs.folder import now_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from specguard.plans.task import Task

_in_plan = click.option("--plan", metavar="FILE", type=FILE, default="", help="The plan's file or folder.")


@click.group("plan", short_help="Make plans and follow their tasks.")
def command() -> None:
    """Make plans of proposals, and follow their tasks."""


for _command in (init, proposal, validate, create, status, next_task):
    command.add_command(_command)


@command.command("sync", short_help="Compare plans with the runs of their tasks.")
@in_directory
@in_root
@_in_plan
@click.option("--write", is_flag=True, help="Write it.")
@click.option("--output-format", type=click.Choice(("text", "json")), default="text", help="What is printed.")
def sync(directory: str, run_root: str, plan: str, write: bool, output_format: str) -> int:
    """Show where plans and the runs of their tasks differ, and with --write correct the plans.

    A task becomes done if its run succeeded and is in the history of HEAD. If its last run failed, it goes
    back to the first status. It ends with 1 if something is left for a person.
    """
    policy = trusted_policy(directory)
    repository = Repository.locate(directory, os.environ)
    root = repository.work_tree()
    files = plan_files(policy.declared("plan_kinds"), root, _from(directory, plan))
    with Git(repository) as git:
        settings = policy.declared("run_settings")
        found = list(
            Sync(files, open_store(directory, run_root).runs(), settings, git=git, root=root).drifts()
        )
    if write:
        for drift in found:
            if drift.status:
                drift.write()
    if output_format == "json":
        click.echo(json_text({"written": write, "drifts": [drift.data for drift in found]}))
    else:
        _show(found, written=write)
    left = [drift for drift in found if not (write and drift.status)]
    return EXIT_FAILED if left else EXIT_PASSED


@command.command("verify", short_help="Record that a person verified a task.")
@click.argument("task")
@click.option("--note", metavar="TEXT", required=True, help="What you saw, such as 'works on the device'.")
@click.option("--by", metavar="WHO", default="", help="The person (default: git's user.name).")
@in_directory
@_in_plan
def verify(task: str, note: str, by: str, directory: str, plan: str) -> int:
    """Record in its plan that a person verified TASK, and set it to done."""
    policy = trusted_policy(directory)
    repository = Repository.locate(directory, os.environ)
    files = plan_files(policy.declared("plan_kinds"), repository.work_tree(), _from(directory, plan))
    file, found = _one(files, task)
    when = now_text()
    who = by.strip() or identity(repository, when)[0].rpartition(" <")[0]
    said = Manual(note.strip(), who, when, ())
    problem = manual_problem(said, datetime.now(UTC).date())
    if problem:
        raise SpecguardError(
            problem,
            help='specguard plan verify TASK --note "what was seen" --by "Ann Lee"',
            code="unknown-name",
        )
    status = found.status if found.done else found.plan.settings.done[0]
    entry = {"note": said.note, "by": said.who, "at": said.when}
    file.mark(found, status=status, evidence=[entry])
    click.echo(visible(f"{found.name} is {status}: verified by {said.who} at {said.when}"))
    click.echo(visible(f"  {path_text(found.plan.path)} is written; commit it as a change to the plan"))
    return EXIT_PASSED


def _one(files: Sequence[PlanFile], task_id: str) -> tuple[PlanFile, Task]:
    """The task that is meant, and its plan."""
    found = [(file, task) for file in files if (task := file.plan.task(task_id)) is not None]
    if len(found) == 1:
        return found[0]
    plans = ", ".join(path_text(file.plan.path) for file, _ in found)
    if found:
        raise SpecguardError(
            f"several plans have {task_id}: {plans}", help="name one with --plan", code="unknown-name"
        )
    raise SpecguardError(
        f"no plan has the task {task_id}",
        help=f"tried: {', '.join(path_text(file.plan.path) for file in files)}",
        code="unknown-name",
    )


def _from(directory: str, plan: str) -> str:
    """A plan's file as it is named from the folder that the command works in."""
    return os.path.join(directory, plan) if plan and directory else plan


def _show(found: Sequence[Drift], *, written: bool) -> None:
    """Print what was found, below each plan."""
    plans: dict[str, list[dict[str, Any]]] = {}
    for drift in found:
        plans.setdefault(path_text(drift.task.plan.path), []).append(drift.data)
    for path, drifts in plans.items():
        click.echo(visible(path))
        for one in drifts:
            becomes = (
                f"{one['status'] or 'no status'} -> {one['becomes']}" if one["becomes"] else one["status"]
            )
            left = "" if one["becomes"] else "; left for you to decide"
            click.echo(visible(f"  {one['task']}  {becomes}: {one['why']}{left}"))
    mended = sum(1 for drift in found if drift.status)
    if not found:
        click.echo("plans and runs agree")
    elif written:
        click.echo(f"{mended} written; commit them as a change to the plan" if mended else "nothing written")
    elif mended:
        click.echo("nothing is written yet: specguard plan sync --write")
