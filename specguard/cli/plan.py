"""`specguard plan`: create plans from proposals, follow their tasks, and compare them with runs."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import click

from specguard.authority.policy import Policy
from specguard.change.check_request import Request
from specguard.change.git import Git
from specguard.cli import options as opt
from specguard.cli.options import from_here, say, say_each, show
from specguard.engine.status import open_waves, waiting_plans
from specguard.engine.trusted_policy import open_policy
from specguard.errors import SpecguardError
from specguard.executor.place import identity
from specguard.executor.run import open_store
from specguard.model import EXIT_FAILED, EXIT_PASSED, counted, path_text
from specguard.planning import creation, task_progress
from specguard.planning.plan_sources import CHANGES, MAIN, source_folder, source_folders
from specguard.planning.proposal_validation import flaws, require_valid
from specguard.plans.plans import too_early
from specguard.plans.task import Task
from specguard.plans.verification import missing_parts
from specguard.reporters.escape import text_lines
from specguard.reporters.file_writing import exists_error, write_files
from specguard.reporters.status import align_rows
from specguard.runs.manifests import now_text
from specguard.work.item import unready
from specguard.work.kinds import PlanKind, WorkKind

_plan_option = opt.file("--plan", help="Only this plan's file or folder.")


@click.group("plan", cls=opt.GroupInDirectory)
def command() -> None:
    """Make plans of proposals, and follow their tasks."""


@command.command("validate", short_help="Check whether a change or feature can become a plan.", json=True)
@click.argument("slug")
@opt.flag("--strict", help="Also end with 1 for warnings.")
def validate(slug: str, strict: bool, output_format: str) -> int:
    """Check the OpenSpec change SLUG, or a spec-kit feature such as 001-cart.

    If `openspec` is installed, all errors of its validator are errors here. It ends with 1 if there is one.
    """
    folder = source_folder(opt.find_repository().work_tree(), slug)
    issues = flaws(folder)
    failing = [issue for issue in issues if strict or issue.level == "error"]
    data = {
        "schema": "specguard.validation/1",
        "path": folder.path,
        "form": folder.form,
        "valid": not failing,
        "findings": [issue.data for issue in issues],
    }
    show(output_format, data, text_lines("validation.txt", **data))
    return EXIT_FAILED if failing else EXIT_PASSED


@command.command("status", short_help="Show plans and their progress.", json=True)
@_plan_option
def status(plan: str, output_format: str) -> None:
    """Show the plans with their done, ready and waiting tasks, and proposals without a plan."""
    policy = open_policy(Request(environment=os.environ))
    states = _states(policy, plan)
    cells = [("plan", *task_progress.STATES, "next"), *(_row(policy, state) for state in states)]
    data = {"schema": task_progress.SCHEMA, "plans": [state.data for state in states]}
    show(output_format, data, align_rows(cells))


@command.command("next", short_help="Show the next task.", json=True)
@_plan_option
def next_task(plan: str, output_format: str) -> int:
    """Show the next task of each plan: its dependencies are done, and a command verifies it.

    It ends with 1 if there is none, and says why. Without a plan it shows what one could be made of.
    """
    policy = open_policy(Request(environment=os.environ))
    states = _states(policy, plan)
    states = [one for one in states if one.form == "plan"] or states
    found = [(state, state.next) for state in states if state.next is not None]
    tasks = [(state, task) for state in states if state.next is None for task in state.tasks]
    unfinished = [one for one in tasks if one[1].state in ("begun", "waiting", "blocked")]
    data = {"schema": task_progress.SCHEMA, "next": _data(found), "waiting": _data(unfinished)}
    listed = [(state, task, _next_step(policy, state, task)) for state, task in found]
    show(output_format, data, text_lines("tasks.txt", tasks=listed) if found else ())
    if not found and output_format == "text":
        say_each(text_lines("waiting.txt", tasks=unfinished), err=True)
    return EXIT_PASSED if found else EXIT_FAILED


def _data(found: Sequence[tuple[task_progress.PlanState, task_progress.TaskState]]) -> list[dict[str, Any]]:
    """Return tasks as JSON data, each with its plan."""
    return [{"plan": one.name, "path": one.path, "form": one.form, **asdict(task)} for one, task in found]


def _states(policy: Policy, plan: str) -> list[task_progress.PlanState]:
    """Return the states of the plans to show.

    Raises:
        SpecguardError: there is neither a plan nor a folder to make one of, or a plan cannot be read.
    """
    top = opt.find_repository().work_tree()
    try:
        files = task_progress.plan_files(policy.declared("plan_kinds"), top, plan)
    except SpecguardError as error:
        if error.path is not None or plan:
            raise
        if not source_folders(top):
            message = f"{error.message}; nor is there a change in openspec/changes, or a feature in specs"
            help = "specguard plan proposal SLUG writes a change"
            raise SpecguardError(message, help=help, code=error.code) from error
        return task_progress.plan_states([], top, {})
    with open_waves(policy) as waves:
        waiting = waiting_plans(waves.all) if waves is not None else {}
    states = task_progress.plan_states(files, top, waiting)
    return [one for one in states if one.form == "plan"] if plan else states


def _row(policy: Policy, state: task_progress.PlanState) -> tuple[str, ...]:
    counts = state.counts
    name = state.name if state.form == "plan" else state.path.rpartition("/")[0]
    next_step = state.next.id if state.next is not None else "-"
    # For a source folder with open boxes or none, and no plan, the next step is to create the plan.
    if state.form != "plan" and counts["done"] < max(len(state.tasks), 1):
        validate = f"specguard plan validate {shlex.quote(state.name)}"
        next_step = _creation_step(policy, state) if state.next else validate
    return (name, *(str(counts[one]) for one in task_progress.STATES), next_step)


def _creation_step(policy: Policy, state: task_progress.PlanState) -> str:
    """Return the step that makes a plan of a source folder, or makes plans possible."""
    kinds: Mapping[str, PlanKind] = policy.declared("plan_kinds")
    which = " --kind KIND" if len(kinds) > 1 else ""
    step = f"specguard plan create {shlex.quote(state.name)} --name NAME{which}"
    return step if kinds else creation.DESCRIBE


def _next_step(policy: Policy, state: task_progress.PlanState, task: task_progress.TaskState) -> str:
    """Return the command that runs a task, or makes a plan of its folder; empty if no kind has the task."""
    if state.form != "plan":
        return _creation_step(policy, state)
    kinds: Mapping[str, WorkKind] = policy.declared("work_kinds")
    names = (name for name, kind in kinds.items() if kind.read_source(state.path.encode("utf-8")) is not None)
    which = f"{shlex.quote(task.id)} --plan {shlex.quote(state.path)}"
    return next((f"specguard run {name} {which} -- AGENT" for name in names), "")


@command.command("init", short_help="Write the folders of plans and the planner's brief.")
def init() -> None:
    """Make the folders of plans and changes, and write the planner's brief from the policy."""
    policy = open_policy(Request(environment=os.environ))
    brief = creation.planner_brief(policy)
    top = opt.find_repository().work_tree()
    kinds: Mapping[str, PlanKind] = policy.declared("plan_kinds")
    creation.choose_kind(kinds, next(iter(kinds), ""))
    parents = (kind.folder.partition("{")[0].rpartition("/")[0] for kind in kinds.values())
    files = {f"{folder}/{creation.BRIEF}".lstrip("/"): brief for folder in parents}
    for folder in (CHANGES, MAIN):
        place = os.path.join(top, folder)
        if not (os.path.isdir(place) and os.listdir(place)):
            files[f"{folder}/.gitkeep"] = ""
    _write_missing(top, files)


@command.command("proposal", short_help="Write an OpenSpec change.")
@click.argument("slug")
@opt.repeated(
    "--capability", "capabilities", metavar="NAME", help="What it is about (default: SLUG); repeatable."
)
def proposal(slug: str, capabilities: tuple[str, ...]) -> None:
    """Write openspec/changes/SLUG: a proposal, tasks, and a delta for each capability.

    TODO marks what you have to fill in. Existing files stay.
    """
    top = opt.find_repository().work_tree()
    files = creation.proposal_files(top, slug, capabilities, today=datetime.now(UTC).date())
    folder = f"{CHANGES}/{slug}"
    if os.path.lexists(os.path.join(top, folder)):
        raise exists_error(folder, f"specguard plan validate {slug}")
    write_files(top, files)
    say_each(from_here(path, top) for path in files)
    click.echo(f"fill what is marked TODO; then: specguard plan validate {slug}", err=True)


@command.command("create", short_help="Make a plan of a change or feature.")
@click.argument("slug")
@opt.text("--name", metavar="NAME", required=True, help="The plan's name.")
@opt.text("--kind", metavar="KIND", help="The kind of plan, if there are several.")
@opt.text("--option", metavar="OPTION", help="The chosen option, such as B.")
@opt.flag("--print", "only_print", help="Print the plan, and write nothing.")
def create(slug: str, name: str, kind: str, option: str, only_print: bool) -> None:
    """Make a plan with one task for each box of SLUG's tasks.md, and a context for its agents.

    SLUG is an OpenSpec change, a spec-kit feature such as 001-cart, or its folder. Errors of `plan validate`
    and incomplete earlier stages stop it. A plan that exists stays.
    """
    policy = open_policy(Request(environment=os.environ))
    top = opt.find_repository().work_tree()
    kinds: Mapping[str, PlanKind] = policy.declared("plan_kinds")
    kind = creation.choose_kind(kinds, kind)
    source = source_folder(top, slug)
    require_valid(source)
    plan = creation.NewPlan(source, kinds[kind], name, option=option.strip())
    files = plan.files()
    if not only_print:
        # This check comes before that of the option, which an earlier stage describes.
        creation.require_open(policy, plan.path)
    plan.check(top, files[plan.path], kind)
    if only_print:
        click.echo(files[plan.path], nl=False)
        return
    if os.path.lexists(os.path.join(top, plan.path)):
        raise exists_error(plan.path, "add new tasks by hand: the same command with --print shows them")
    _write_missing(top, files, plan=plan.path)
    tasks = counted(len(plan.ids), "task")
    say(f"{from_here(plan.path, top)}: {tasks} from {from_here(source.path, top)}/tasks.md")
    say_each((f"note: {note}" for note in plan.notes()), err=True)


def _write_missing(top: str, files: Mapping[str, str], *, plan: str = "") -> None:
    """Write the files that do not exist yet, and print for each file but the plan whether it was written."""
    missing = {one: text for one, text in files.items() if not os.path.lexists(os.path.join(top, one))}
    write_files(top, missing)
    for path in files:
        if path != plan:
            end = "is written" if path in missing else "is there already, and stays as it is"
            say(f"{from_here(path, top)} {end}")


@command.command("sync", short_help="Compare plans with the runs of their tasks.", json=True)
@opt.run_root
@_plan_option
@opt.flag("--write", help="Write it.")
def sync(run_root: str, plan: str, write: bool, output_format: str) -> int:
    """Show where plans and the runs of their tasks differ, and with --write correct the plans.

    A task becomes done if its run succeeded and is in the history of HEAD. If its last run failed, it goes
    back to the first status. It ends with 1 if something is left for a person.
    """
    repository = opt.find_repository()
    root, kinds = repository.work_tree(), open_policy(Request(environment=os.environ)).declared("plan_kinds")
    files = task_progress.plan_files(kinds, root, plan)
    with Git(repository) as git:
        drifts = list(task_progress.Sync(files, open_store(run_root).runs(), git=git, root=root).drifts())
    fixable = [drift for drift in drifts if drift.status]
    for drift in fixable if write else ():
        drift.file.mark(drift.task, status=drift.status, evidence=drift.evidence)
    data: dict[str, Any] = {"written": write, "drifts": [drift.data for drift in drifts]}
    given = {"--run-root": run_root, "--plan": plan}
    words = "".join(f" {name} {shlex.quote(value)}" for name, value in given.items() if value)
    show(output_format, data, text_lines("drifts.txt", **data, fixable=len(fixable), words=words))
    return EXIT_FAILED if len(drifts) > (len(fixable) if write else 0) else EXIT_PASSED


@command.command("verify", short_help="Record that a person verified a task.")
@click.argument("task")
@opt.text("--note", metavar="TEXT", required=True, help="What you saw, such as 'works on the device'.")
@opt.text("--by", metavar="WHO", help="The person (default: git's user.name).")
@_plan_option
def verify(task: str, note: str, by: str, plan: str) -> None:
    """Record in its plan that a person verified TASK, and set it to done."""
    policy = open_policy(Request(environment=os.environ))
    repository = opt.find_repository()
    files = task_progress.plan_files(policy.declared("plan_kinds"), repository.work_tree(), plan)
    file, found = _find_task(files, task)
    when = now_text()
    who = by.strip() or identity(repository, when)[0].rpartition(" <")[0]
    proof = {"note": note.strip(), "by": who, "at": when}
    if problem := missing_parts(proof, datetime.now(UTC).date()):
        where = f" --plan {shlex.quote(plan)}" if plan else ""
        help = f'specguard plan verify {shlex.quote(task)}{where} --note "what was seen" --by "Ann Lee"'
        raise SpecguardError(f"{found.name}: {problem}", help=help, code="unknown-name")
    for flaw in () if found.done else too_early(found, "is to be done"):
        raise unready(flaw.message, flaw.help, found.plan.path, flaw.line)
    status = found.status if found.done else found.plan.settings.done[0]
    file.mark(found, status=status, evidence=[proof])
    say(f"{found.name} is {status}: verified by {who} at {when}")
    say(f"  {path_text(found.plan.path)} is written; commit it by itself, or on its branch with {found.name}")


def _find_task(files: Sequence[task_progress.PlanFile], task_id: str) -> tuple[task_progress.PlanFile, Task]:
    """Return the task with this id, and its plan."""
    found = [(one, task) for one in files if (task := one.plan.task(task_id)) is not None]
    if len(found) == 1:
        return found[0]
    plans = ", ".join(path_text(one.plan.path) for one in ([one for one, _ in found] or files))
    message = f"{'several plans have' if found else 'no plan has'} the task {task_id}"
    step = f"name one of the plans with --plan: {plans}" if found else f"the tasks are in {plans}"
    raise SpecguardError(message, help=step, code="unknown-name")
