"""`specguard plan validate`, `status` and `next`: look at changes and plans, and write nothing."""

from __future__ import annotations

import os
import shlex
from dataclasses import asdict

import click

from specguard.change.repository import Repository
from specguard.change.request import Request
from specguard.cli.completion import FILE
from specguard.cli.options import in_directory
from specguard.cli.run_store import trusted_policy
from specguard.cli.words import counted
from specguard.engine.status import waiting_plans
from specguard.errors import MissingFact, SpecguardError
from specguard.executor.plans import plan_files
from specguard.model import EXIT_FAILED, EXIT_PASSED
from specguard.planning.progress import SCHEMA, STATES, PlanState, TaskState, plan_states
from specguard.planning.sources import source_folder, source_folders
from specguard.planning.validation import flaws
from specguard.reporters.escape import json_text, visible
from specguard.work.templates import PathTemplate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from specguard.authority.policy import Policy
    from specguard.planning.tasks import Issue
    from specguard.work.kinds import WorkKind

_format = click.option(
    "--output-format", type=click.Choice(("text", "json")), default="text", help="What is printed."
)
_in_plan = click.option(
    "--plan", metavar="FILE", type=FILE, default="", help="Only this plan's file or folder."
)


@click.command("validate", short_help="Check whether a change or feature can become a plan.")
@click.argument("slug")
@in_directory
@click.option("--strict", is_flag=True, help="Also end with 1 for warnings.")
@_format
def validate(slug: str, directory: str, strict: bool, output_format: str) -> int:
    """Check the OpenSpec change SLUG, or a spec-kit feature such as 001-cart.

    If `openspec` is installed, all errors of its validator are errors here. It ends with 1 if there is one.
    """
    top = Repository.locate(directory, os.environ).work_tree()
    folder = source_folder(top, slug)
    found = flaws(folder)
    wrong = [flaw for flaw in found if strict or flaw.level == "error"]
    if output_format == "json":
        data = {
            "schema": "specguard.validation/1",
            "path": folder.path,
            "form": folder.form,
            "valid": not wrong,
            "findings": [flaw.data for flaw in found],
        }
        click.echo(json_text(data))
    else:
        for flaw in found:
            _show(flaw)
        errors = sum(1 for flaw in found if flaw.level == "error")
        counts = f"{counted(errors, 'error')}, {counted(len(found) - errors, 'warning')}"
        click.echo(visible(f"{folder.path}: {'valid' if not wrong else 'not valid'} ({counts})"))
    return EXIT_FAILED if wrong else EXIT_PASSED


@click.command("status", short_help="Show plans and their progress.")
@in_directory
@_in_plan
@_format
def status(directory: str, plan: str, output_format: str) -> int:
    """Show the plans with their done, ready and waiting tasks, and proposals without a plan."""
    states = _states(trusted_policy(directory), directory, plan)
    if output_format == "json":
        click.echo(json_text({"schema": SCHEMA, "plans": [state.data for state in states]}))
        return EXIT_PASSED
    rows = [("plan", *STATES, "next"), *map(_row, states)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        click.echo(visible("  ".join(cells).rstrip()))
    for state in states:
        for task in state.tasks:
            if task.state in ("begun", "blocked") or (task.state == "waiting" and state.next is None):
                click.echo(visible(f"{state.path}:{task.line}: {task.id} {_why(task)}"))
    return EXIT_PASSED


@click.command("next", short_help="Show the next task.")
@in_directory
@_in_plan
@_format
def next_task(directory: str, plan: str, output_format: str) -> int:
    """Show the next task of each plan: its dependencies are done, and a command verifies it.

    It ends with 1 if there is none, and says why.
    """
    policy = trusted_policy(directory)
    states = _states(policy, directory, plan)
    found = [(state, state.next) for state in states if state.next is not None]
    if output_format == "json":
        tasks = [
            {"plan": state.name, "path": state.path, "form": state.form, **asdict(task)}
            for state, task in found
            if task
        ]
        waiting = [
            {"plan": state.name, "path": state.path, **asdict(task)}
            for state in states
            if state.next is None
            for task in state.tasks
            if task.state in ("begun", "waiting", "blocked")
        ]
        click.echo(json_text({"schema": SCHEMA, "next": tasks, "waiting": waiting}))
    else:
        for at, (state, task) in enumerate(found):
            if task is not None:
                click.echo("\n" * bool(at), nl=False)
                for line in _told(policy, state, task):
                    click.echo(visible(line))
        if not found:
            _tell_none(states)
    return EXIT_PASSED if found else EXIT_FAILED


def _states(policy: Policy, directory: str, plan: str) -> list[PlanState]:
    """What is looked at.

    Raises:
        SpecguardError: there is neither a plan nor a folder that one could be made of, or one cannot be read.
    """
    top = Repository.locate(directory, os.environ).work_tree()
    try:
        files = plan_files(policy.declared("plan_kinds"), top, plan)
    except SpecguardError as error:
        folder = os.path.relpath(os.path.realpath(plan), os.path.realpath(top)) if plan else ""
        named = [one for one in source_folders(top) if folder in (one.path, f"{one.path}/tasks.md", "")]
        if error.path is not None or (plan and not named):
            raise
        if not named:
            raise SpecguardError(
                f"{error.message}; nor is there a change in openspec/changes, or a feature in specs",
                help="specguard plan proposal SLUG writes a change",
                code=error.code,
            ) from error
        return [one for one in plan_states([], top, {}) if one.source in {folder.path for folder in named}]
    request = Request(environment=os.environ, directory=directory, worktree=True, all=True)
    try:
        waiting = waiting_plans(request)
    except MissingFact as missing:
        raise SpecguardError(missing.reason, help=missing.command, code=missing.code) from missing
    states = plan_states(files, top, waiting)
    return [one for one in states if one.form == "plan"] if plan else states


def _show(flaw: Issue) -> None:
    place = f"{flaw.path}:{flaw.line}" if flaw.line else flaw.path
    click.echo(visible(f"{place}: {flaw.level}: {flaw.message}"))
    if flaw.help:
        click.echo(visible(f"  next: {flaw.help}"))


def _row(state: PlanState) -> tuple[str, ...]:
    counts = state.counts
    name = state.name if state.form == "plan" else state.path.rpartition("/")[0]
    following = state.next
    # Of a folder that no plan was made of the next step is to make one, as long as a box is not ticked.
    shown = following.id if following is not None else "-"
    if state.form != "plan" and counts["done"] < sum(counts.values()):
        shown = f"specguard plan create {shlex.quote(state.name)} --name NAME"
    return (name, *(str(counts[one]) for one in STATES), shown)


def _told(policy: Policy, state: PlanState, task: TaskState) -> Iterator[str]:
    """What a person or an agent needs to begin a task."""
    yield f"{task.id} {task.title}".rstrip()
    yield f"  at      {state.path}:{task.line}" if task.line else f"  at      {state.path}"
    for title, values in (
        ("files", task.expected_files),
        ("verify", task.verify),
        ("done", task.done_criteria),
    ):
        for value in values:
            yield f"  {title:7} {value}"
    if state.form != "plan":
        yield f"  next    specguard plan create {shlex.quote(state.name)} --name NAME"
    else:
        kind = _work_kind(policy, state.path)
        if kind:
            words = f"specguard run {kind} {shlex.quote(task.id)} --plan {shlex.quote(state.path)}"
            yield f"  next    {words} -- AGENT"


def _work_kind(policy: Policy, path: str) -> str:
    """The kind of work items that a plan's tasks are; empty where they are none."""
    kinds: Mapping[str, WorkKind] = policy.declared("work_kinds")
    for name, kind in kinds.items():
        if any(PathTemplate(source).read(path.encode("utf-8")) is not None for source in kind.sources):
            return name
    return ""


def _tell_none(states: Sequence[PlanState]) -> None:
    click.echo("no task can be begun", err=True)
    for state in states:
        for task in state.tasks:
            if task.state in ("begun", "waiting", "blocked"):
                click.echo(visible(f"  {state.path}:{task.line}: {task.id} {_why(task)}"), err=True)


def _why(task: TaskState) -> str:
    return f"waits for {'; '.join(task.waits)}" if task.state == "waiting" else f"is {task.status}"
