"""`specguard plan init`, `proposal` and `create`: write what a plan begins with."""

from __future__ import annotations

import os
from datetime import UTC, datetime

import click

from specguard.change.repository import Repository
from specguard.cli.options import in_directory
from specguard.cli.run_store import trusted_policy
from specguard.cli.words import counted
from specguard.documents.data import read_data
from specguard.errors import SpecguardError
from specguard.planning.creation import NewPlan, first_lost, plan_kind, require_open
from specguard.planning.drafts import BRIEF, planner_brief, plans_folder, proposal_files, write_files
from specguard.planning.sources import CHANGES, MAIN, source_folder
from specguard.planning.validation import require_valid
from specguard.reporters.escape import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from specguard.plans.settings import PlanKind


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
