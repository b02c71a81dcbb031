"""`specguard plan`: plans from the proposal to the last task, and what was done for their tasks."""

from __future__ import annotations

import os
import shlex
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from specguard.change.git import Git
from specguard.change.repository import Repository
from specguard.change.request import Request
from specguard.cli.options import FILE, counted, in_directory
from specguard.cli.runs import in_root, open_store, trusted_policy
from specguard.documents.data import read_data
from specguard.engine.status import waiting_plans
from specguard.errors import MissingFact, SpecguardError
from specguard.executor.place.files import identity
from specguard.executor.plans import Drift, PlanFile, Sync, plan_files
from specguard.model import EXIT_FAILED, EXIT_PASSED, path_text
from specguard.planning.creation import NewPlan, first_lost, plan_kind, require_open
from specguard.planning.drafts import BRIEF, planner_brief, plans_folder, proposal_files, write_files
from specguard.planning.progress import SCHEMA, STATES, PlanState, TaskState, plan_states
from specguard.planning.sources import CHANGES, MAIN, source_folder, source_folders
from specguard.planning.validation import flaws, require_valid
from specguard.plans.verification import Manual, manual_problem
from specguard.reporters.escape import json_text, visible
from specguard.runs.folder import now_text
from specguard.work.templates import PathTemplate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from specguard.authority.policy import Policy
    from specguard.planning.tasks import Issue
    from specguard.plans.settings import PlanKind
    from specguard.plans.task import Task
    from specguard.work.kinds import WorkKind


_format = click.option(
    "--output-format", type=click.Choice(("text", "json")), default="text", help="What is printed."
)
_in_one_plan = click.option(
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
            _show_issue(flaw)
        errors = sum(1 for flaw in found if flaw.level == "error")
        counts = f"{counted(errors, 'error')}, {counted(len(found) - errors, 'warning')}"
        click.echo(visible(f"{folder.path}: {'valid' if not wrong else 'not valid'} ({counts})"))
    return EXIT_FAILED if wrong else EXIT_PASSED


@click.command("status", short_help="Show plans and their progress.")
@in_directory
@_in_one_plan
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
@_in_one_plan
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


def _show_issue(flaw: Issue) -> None:
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


@click.command("init", short_help="Write the folders of plans and the planner's brief.")
@in_directory
@click.option("--print", "only_print", is_flag=True, help="Print the brief, and write nothing.")
def init(directory: str, only_print: bool) -> None:
    """Make the folders of plans and changes, and write the planner's brief from the policy."""
    policy = trusted_policy(directory)
    brief = planner_brief(policy)
    if only_print:
        click.echo(brief, nl=False)
        return
    top = Repository.locate(directory, os.environ).work_tree()
    kinds: Mapping[str, PlanKind] = policy.declared("plan_kinds")
    plan_kind(kinds, next(iter(kinds), ""))
    wanted = {f"{folder}/{BRIEF}".lstrip("/"): brief for folder in map(plans_folder, kinds.values())}
    wanted |= {f"{folder}/.gitkeep": "" for folder in (CHANGES, MAIN) if not _has_files(top, folder)}
    for path, text in wanted.items():
        if os.path.lexists(os.path.join(top, path)):
            same = _read(top, path) == text
            click.echo(visible(f"{path} is there already" + ("" if same else ", and stays as it is")))
        else:
            write_files(top, {path: text})
            click.echo(visible(f"{path} is written"))


@click.command("proposal", short_help="Write an OpenSpec change.")
@click.argument("slug")
@in_directory
@click.option(
    "--capability",
    "capabilities",
    metavar="NAME",
    multiple=True,
    help="What it is about (default: SLUG); repeatable.",
)
@click.option("--no-specs", is_flag=True, help="Write no deltas: it changes no behaviour.")
def proposal(slug: str, directory: str, capabilities: tuple[str, ...], no_specs: bool) -> None:
    """Write openspec/changes/SLUG: a proposal, tasks, and a delta for each capability.

    TODO marks what you have to fill in. Existing files stay.
    """
    top = Repository.locate(directory, os.environ).work_tree()
    files = proposal_files(top, slug, capabilities, specs=not no_specs, today=datetime.now(UTC).date())
    folder = f"{CHANGES}/{slug}"
    if os.path.lexists(os.path.join(top, folder)):
        raise SpecguardError(
            "the change is there already, and is never overwritten",
            path=folder,
            help=f"specguard plan validate {slug}",
            code="never-overwritten",
        )
    write_files(top, files)
    for path in files:
        click.echo(visible(path))
    click.echo(f"fill what is marked TODO; then: specguard plan validate {slug}", err=True)


@click.command("create", short_help="Make a plan of a change or feature.")
@click.argument("slug")
@click.option("--name", metavar="NAME", required=True, help="The plan's name.")
@in_directory
@click.option("--kind", metavar="KIND", default="", help="The kind of plan, if there are several.")
@click.option("--option", metavar="OPTION", default="", help="The chosen option, such as B.")
@click.option("--goal", metavar="TEXT", default="", help="What it is for.")
@click.option("--print", "only_print", is_flag=True, help="Print the plan, and write nothing.")
def create(slug: str, name: str, directory: str, kind: str, option: str, goal: str, only_print: bool) -> None:
    """Make a plan with one task for each box of SLUG's tasks.md, and a context for its agents.

    SLUG is an OpenSpec change, a spec-kit feature such as 001-cart, or its folder. Errors of `plan validate`
    and incomplete earlier stages stop it. It replaces a plan only if nothing is lost.
    """
    policy = trusted_policy(directory)
    top = Repository.locate(directory, os.environ).work_tree()
    kinds: Mapping[str, PlanKind] = policy.declared("plan_kinds")
    kind = plan_kind(kinds, kind)
    source = source_folder(top, slug)
    require_valid(source)
    plan = NewPlan(source, kinds[kind], name, option=option.strip(), goal=goal.strip())
    for line, message, help in plan.flaws():
        raise SpecguardError(
            message, path=f"{source.path}/tasks.md", line=line, help=help, code="plan-unready"
        )
    files = plan.files()
    if not only_print:
        # Before the option is asked for, which a stage before this one describes.
        require_open(policy, plan.path, directory)
    plan.hold(top, files[plan.path], kind)
    if only_print:
        click.echo(files[plan.path], nl=False)
        return
    _write(top, plan, files)
    click.echo(visible(f"{plan.path}: {counted(len(plan.ids), 'task')} from {source.path}/tasks.md"))
    for note in plan.notes(policy.declared("contracts")):
        click.echo(visible(f"note: {note}"), err=True)


def _write(top: str, plan: NewPlan, files: Mapping[str, str]) -> None:
    """Write a plan and what goes with it; what is there of the latter stays.

    Raises:
        SpecguardError: the plan is there, and says what would be lost.
    """
    wanted = {
        path: text
        for path, text in files.items()
        if path == plan.path or not os.path.lexists(os.path.join(top, path))
    }
    before = _read(top, plan.path)
    if before is not None:
        data = read_data(before, "json")
        after = read_data(files[plan.path], "json").value
        lost = first_lost(data.value, after)
        if lost is not None:
            raise SpecguardError(
                "the plan is there already, and says what would be lost",
                path=plan.path,
                line=data.line(lost),
                help="add the tasks that are new by hand; specguard plan create --print shows them",
                code="never-overwritten",
            )
    write_files(top, wanted, over=plan.path)
    for path in files:
        if path not in wanted:
            click.echo(visible(f"{path} is there already, and stays as it is"))
        elif path != plan.path:
            click.echo(visible(f"{path} is written"))


def _has_files(top: str, folder: str) -> bool:
    try:
        return any(os.scandir(os.path.join(top, folder)))
    except OSError:
        return False


def _read(top: str, path: str) -> str | None:
    """The text of a file; None where it is not there."""
    place = os.path.join(top, path)
    if not os.path.lexists(place):
        return None
    try:
        with open(place, encoding="utf-8") as stream:
            return stream.read()
    except (OSError, UnicodeDecodeError) as error:
        raise SpecguardError(f"it cannot be read: {error}", path=path, code="unreadable-file") from error


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
