"""`specguard run KIND`: let an agent work on one item."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from specguard.change.repository import Repository
from specguard.cli.completion import DIRECTORY, FILE
from specguard.cli.options import in_directory
from specguard.cli.run_shown import detached, leave_terminal, say_plainly, shown
from specguard.cli.run_store import in_root, open_store
from specguard.errors import SpecguardError
from specguard.executor.run import STEPS, RunOptions, asked_before
from specguard.executor.start.base import ensure_repository
from specguard.model import EXIT_NO_VERDICT, EXIT_PASSED
from specguard.reporters.escape import visible
from specguard.runs.folder import RunFolder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

WORDS: Final = "specguard.run.words"


class CommandBehind(click.Command):
    """A command of which all behind `--` is another command."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep what stands behind `--` apart."""
        if "--" in args:
            at = args.index("--")
            ctx.meta[WORDS] = tuple(args[at + 1 :])
            args = args[:at]
        return super().parse_args(ctx, args)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Show it where the command's usage is shown."""
        return [*super().collect_usage_pieces(ctx), "[-- COMMAND...]"]


@click.command("item", cls=CommandBehind, short_help="Let an agent work on an item.")
@click.argument("kind")
@click.argument("items", nargs=-1, metavar="[ID]...")
@in_directory
@click.option(
    "--code-dir",
    "code_dir",
    metavar="DIR",
    type=DIRECTORY,
    default="",
    help="The repository; names start from where you are.",
)
@click.option("--agent", metavar="NAME", default="", help="Run this agent of the policy.")
@click.option("--plan", metavar="FILE", type=FILE, default="", help="Take the item from this file.")
@click.option(
    "--plan-dir",
    "plan_dir",
    metavar="DIR",
    type=DIRECTORY,
    default="",
    help="The folder of the plan (default FILE: plan.json).",
)
@click.option("--until", type=click.Choice(STEPS), help="Stop after this step.")
@click.option("--dry-run", is_flag=True, help="Print the steps, and touch nothing.")
@click.option("--detach", is_flag=True, help="Print the run's id and continue in the background.")
@click.option("--announce", type=int, default=None, hidden=True)
@click.option("--timeout", metavar="SECONDS", type=click.IntRange(1), help="For the whole run.")
@click.option("--command-timeout", metavar="SECONDS", type=click.IntRange(1), help="For each command.")
@click.option("--command", "commands", metavar="CMD", multiple=True, help="One more gate; repeatable.")
@click.option("--approval-policy", metavar="WORD", default="", help="The agent's approval policy.")
@click.option("--run-root", metavar="DIR", type=DIRECTORY, default="", help="Keep runs in DIR.")
@click.option("--reuse-run", metavar="RUN", default="", help="Use this run's folder again.")
@click.option("--compact", is_flag=True, help="Keep only the ends of logs.")
@click.option("--max-attempts", metavar="N", type=click.IntRange(1), help="The most rounds of the agent.")
@click.option(
    "--max-tasks", metavar="N", type=click.IntRange(1), default=1, help="The number of items: always 1."
)
@click.option("--ensure-git", is_flag=True, help="Make a git repository if there is none.")
@click.option("--baseline-commit", is_flag=True, help="Commit all files if there is no commit.")
@click.option("--base", metavar="BRANCH", default="", help="Start from this branch.")
@click.option("--remote", metavar="NAME", default="origin", show_default=True, help="Fetch and push there.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--output-format", type=click.Choice(("text", "json")), default="text", help="The form of --dry-run."
)
@click.pass_context
def item(
    context: click.Context,
    /,
    output_format: str,
    items: tuple[str, ...],
    detach: bool,
    announce: int | None,
    max_tasks: int,
    ensure_git: bool,
    baseline_commit: bool,
    **words: Any,
) -> int:
    """Let an agent work on one item of KIND, by default the current one, up to its pull request.

    The agent is --agent, or the command behind `--`. It reads the brief from standard input or `{brief}`, in
    a place of its own. Several IDs run one after the other, until one fails.
    """
    if announce is not None:
        # It is this process's alone, and of nothing that it starts.
        os.set_inheritable(announce, False)
    if max_tasks > 1:
        raise SpecguardError(
            "a run works on one task, and stops",
            help="start another one for the next: --max-tasks 1",
            code="usage",
        )
    command = context.meta.get(WORDS, ())
    # A plan is looked for from the root of the repository, so that is made first.
    made = False
    for done in ensure_repository(
        words["code_dir"] or words["directory"],
        os.environ,
        make=ensure_git,
        commit=baseline_commit,
        base=words["base"],
        only_say=words["dry_run"],
    ):
        made = True
        click.echo(visible(done), err=True)
    if made and words["dry_run"]:
        # Where a run begins is read from that commit.
        say_plainly("the steps of the run are planned once that commit is there")
        return EXIT_PASSED
    asked = [
        _options(one, command, earlier=items[:number], **words) for number, one in enumerate(items or ("",))
    ]
    if twice := next((one for one in items if items.count(one) > 1), ""):
        raise SpecguardError(f"{twice} is asked for twice", help="name each item once", code="usage")
    if words["dry_run"]:
        return show_plan(asked, output_format)
    if detach:
        return detached(sys.argv[1:])
    for number, one in enumerate(asked, 1):
        code = EXIT_NO_VERDICT
        try:
            code = start(one, announce if number == 1 else None)
        finally:
            if code and asked[number:]:
                say_plainly(f"not begun: {', '.join(later.item for later in asked[number:])}")
        if code:
            return code
    return EXIT_PASSED


@click.command("resume", cls=CommandBehind, short_help="Continue a run that ended early.")
@click.argument("run")
@in_directory
@in_root
@click.option("--agent", metavar="NAME", default="", help="Use this agent instead.")
@click.option("--until", type=click.Choice(STEPS), help="Stop after this step.")
@click.option("--timeout", metavar="SECONDS", type=click.IntRange(1), help="For the whole run; never less.")
@click.option(
    "--max-attempts", metavar="N", type=click.IntRange(1), help="The most rounds in all; never less."
)
@click.pass_context
def resume(context: click.Context, /, run: str, directory: str, run_root: str, **words: Any) -> int:
    """Continue RUN from its last step, with the same task and agent, or the command behind `--`.

    Everything is judged again.
    """
    from specguard.executor.lifecycle import resume as go_on

    found = open_store(directory, run_root).find(run)
    folder = RunFolder(found.path, found.root)
    command = tuple(context.meta.get(WORDS, ()))
    options = asked_before(folder, os.environ, directory=directory, command=command, **words)
    code = go_on(options, folder, say=say_plainly)
    _tell(folder)
    return code


def start(options: RunOptions, announce: int | None = None) -> int:
    """Begin a run, and carry it out.

    Args:
        options: what is asked for.
        announce: a file descriptor that the run's id is written to once it has begun.

    Returns:
        The exit code.
    """
    from specguard.executor.start.preflight import prepare
    from specguard.executor.steps import carry_out

    run = prepare(options)
    if announce is None:
        say_plainly(f"run {run.folder.run_id} in {run.folder.path}")
    else:
        leave_terminal(run.folder, announce)
    with shown(run) as say:
        code = carry_out(run, say=say)
    _tell(run.folder)
    return code


def _tell(folder: RunFolder) -> None:
    """Say how a run ended, what of it was not mended, and what comes next."""
    from specguard.executor.report import (
        last_output,
        opening,
        still_failing,
        suggestion,
        taking_up,
        work_left,
    )

    manifest = folder.read_manifest()
    click.echo(f"{manifest.state}: {visible(manifest.reason or manifest.run_id)}")
    if manifest.state != "succeeded":
        for line in still_failing(manifest, folder):
            click.echo(f"  {visible(line)}")
        if said := suggestion(folder):
            click.echo(f"  next: {visible(said)}")
        for line in last_output(manifest, folder).splitlines():
            click.echo(f"    {visible(line)}")
        for what, path in work_left(manifest, folder):
            click.echo(visible(f"{what}: {path}"))
    for note in manifest.notes:
        click.echo(f"note: {visible(note)}")
    request = manifest.pull_request
    if manifest.pushed and manifest.branch:
        click.echo(visible(taking_up(manifest)))
    if request is not None and request.url:
        click.echo(visible(request.url))
    elif request is not None and request.command:
        if manifest.repository.tip is not None:
            click.echo(visible(f"{opening(manifest)}:"))
        click.echo(visible(request.command))


def show_plan(asked: Sequence[RunOptions], output_format: str = "text") -> int:
    """Print what all steps of runs would do.

    Args:
        asked: what is asked for, a run each.
        output_format: `text` or `json`.

    Returns:
        The exit code.
    """
    from specguard.executor.start.dry_run import plan_of
    from specguard.reporters.escape import json_text, legible

    found = plan_of(asked)
    if found.jobs:
        click.echo(json_text(found.data) if output_format == "json" else legible(found.text).rstrip("\n"))
    if found.refused is not None:
        raise found.refused
    return EXIT_PASSED


def _options(
    item_id: str, command: Sequence[str], *, plan: str, plan_dir: str, code_dir: str, **words: Any
) -> RunOptions:
    """The words of the command line as a run takes them."""
    if code_dir:
        words["directory"] = code_dir
    given = {name: value for name, value in words.items() if value is not None}
    return RunOptions(
        environment=dict(os.environ),
        item=item_id,
        command=tuple(command),
        plan=_plan_file(plan, plan_dir, given.get("directory", "")),
        **given,
    )


def _plan_file(plan: str, plan_dir: str, directory: str) -> str:
    """A plan's path from the repository's root; one that is there is seen from where the caller is."""
    path = os.path.join(plan_dir, plan or "plan.json") if plan_dir else plan
    if not path or not os.path.exists(path):
        return path
    top = os.path.realpath(Repository.locate(directory, os.environ).work_tree())
    found = os.path.relpath(os.path.realpath(path), top)
    return path if found.startswith("..") else found
