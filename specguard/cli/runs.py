"""Commands of `specguard run` that look at runs, look after them, and count them."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any

import click

from specguard.change.repository import Repository
from specguard.change.request import Request
from specguard.cli import options as opt
from specguard.cli.options import counted, say, show, show_markdown
from specguard.engine.policies import open_policy
from specguard.errors import SpecguardError
from specguard.executor import run as executor_run
from specguard.executor.lifecycle import left_over, remove
from specguard.executor.lifecycle import stop as stop_run
from specguard.executor.report import REPORT, report_text
from specguard.executor.report import metrics as metrics_of
from specguard.executor.run import RunOptions
from specguard.model import EXIT_FAILED, EXIT_NO_VERDICT, EXIT_PASSED
from specguard.reporters.escape import json_text, legible, markdown_shown
from specguard.reporters.status import all_of, as_data, cells, metrics_text, table
from specguard.runs.manifests import RunFolder
from specguard.runs.views import carry_out, moves

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Final

    from specguard.authority.policy import Policy
    from specguard.runs.views import RunStore, RunView


_PAUSE: Final = 1.0

_here = opt.several(opt.in_directory, opt.in_root)


class _RunGroup(click.Group):
    """A group whose first word may also be a kind of work item."""

    def resolve_command(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        args: list[str],
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] in self.commands:
            return args[0], self.commands[args[0]], args[1:]
        return "item", self.commands["item"], args


@click.command("run", cls=_RunGroup)
def command() -> None:
    """Let an agent work on one item of a KIND, from its pointer to its pull request.

    `specguard run phase -- codex exec -` runs the command on the current phase: see
    `specguard run item --help`.

    Exit codes: 0 done, 1 rules failed, 2 no start or verdict, 3 agent, gate or budget failed, 4 agent
    stopped, 130 interrupted.
    """


def trusted_policy(directory: str) -> Policy:
    """The policy of the trusted base.

    Raises:
        SpecguardError: there is none, or it is broken.
    """
    return open_policy(Request(environment=os.environ, directory=directory))


def open_store(directory: str, run_root: str) -> RunStore:
    """The runs of the repository that a folder is in, where its policy says they are kept.

    Raises:
        SpecguardError: there is no repository or no policy.
    """
    return executor_run.open_store(RunOptions(os.environ, directory, run_root=run_root))


def _told(
    runs: Sequence[RunView], form: str, text: Callable[[], str], none: str, lines: int | None = None
) -> None:
    """Print runs as JSON or as a text; that there are none is no output."""
    if form == "json":
        click.echo(json_text(as_data(runs, lines=lines)))
    else:
        click.echo(text() if runs else none, err=not runs)


@command.command("list", short_help="List the runs.")
@_here
@opt.output_format
def list_(directory: str, run_root: str, output_format: str) -> None:
    """List all runs, newest last, also old and broken ones."""
    runs = open_store(directory, run_root).runs()
    _told(runs, output_format, lambda: table(runs), "there are no runs")


@command.command("status", short_help="Show how a run stands, or all that are under way.")
@click.argument("run", default="")
@_here
@opt.flag("--watch", help="Follow it until it ends.")
@opt.output_format
def status(run: str, directory: str, run_root: str, watch: bool, output_format: str) -> None:
    """Show the state of RUN, or else the active runs or the last one.

    RUN is an id or its beginning. With --watch, JSON has one line per change.
    """
    store = open_store(directory, run_root)
    shown = store.asked(run)
    if watch:
        _watch(store, shown, output_format)
    else:
        _told(
            shown, output_format, lambda: all_of(shown[0], lines=5) if len(shown) == 1 else table(shown), ""
        )


@command.command("doctor", short_help="Say what is wrong with runs.")
@click.argument("run", default="")
@_here
@click.option(
    "--lines", metavar="N", type=click.IntRange(0), default=20, help="How many lines of its log to show."
)
@opt.output_format
def doctor(run: str, directory: str, run_root: str, lines: int, output_format: str) -> int:
    """Show whether RUN lives, its heartbeat, the end of its log, and what resumes it.

    Without RUN, look at all active or unreadable runs. It ends with 1 if one died or cannot be read.
    """
    store = open_store(directory, run_root)
    shown = [store.find(run)] if run else [one for one in store.runs() if one.running or one.problem]
    none = "no run is under way, and all records can be read"
    _told(shown, output_format, lambda: "\n\n".join(all_of(one, lines=lines) for one in shown), none, lines)
    return EXIT_FAILED if any(one.stale or one.problem for one in shown) else EXIT_PASSED


@command.command("report", short_help="Show a run's report.")
@click.argument("run", default="")
@_here
def report(run: str, directory: str, run_root: str) -> None:
    """Show the report of RUN, or of the last run."""
    store = open_store(directory, run_root)
    found = store.find(run) if run else store.latest()
    manifest = found.manifest
    if manifest is None:
        raise SpecguardError(
            f"no report can be made of {found.run_id}: {found.problem or 'its record has another layout'}",
            path=found.path,
            help=f"specguard run doctor {found.run_id}",
        )
    folder = RunFolder(found.path, found.root)
    place = folder.file(REPORT)
    try:
        with open(place, encoding="utf-8", errors="backslashreplace") as file:
            text = file.read()
    except FileNotFoundError:
        text = report_text(manifest, folder)
    except OSError as error:
        said = f"the report cannot be read: {error.strerror}"
        raise SpecguardError(said, path=place, code="unreadable-file") from error
    show_markdown(legible(text if sys.stdout.isatty() else markdown_shown(text)))


def _watch(store: RunStore, runs: Sequence[RunView], form: str) -> None:
    """Show runs until all of them have ended or died."""
    paths = [run.path for run in runs]
    before: dict[str, object] = {}
    while True:
        for run in runs:
            now = {name: run.data[name] for name in ("state", "step", "attempts", "alive", "reason")}
            if before.get(run.path) != now:
                before[run.path] = now
                click.echo(json_text(run.data, indent=None) if form == "json" else "  ".join(cells(run)))
        sys.stdout.flush()
        if not any(run.alive for run in runs):
            return
        time.sleep(_PAUSE)
        runs = [store.view(path) for path in paths]


@command.command("stop", short_help="End a run, and what it has started.")
@click.argument("run")
@_here
def stop(run: str, directory: str, run_root: str) -> None:
    """Stop RUN and its own processes. You can resume it.

    A dead run is given up, which frees its item. What its gates set up is taken down.
    """
    store = open_store(directory, run_root)
    for line in stop_run(store.find(run), store.root, directory):
        say(line)


@command.command("clean", short_help="Remove what ended runs have left.")
@click.argument("runs", nargs=-1, metavar="[RUN]...")
@_here
@opt.yes
@opt.flag("--dry-run", help="List them, and remove nothing.")
def clean(runs: tuple[str, ...], directory: str, run_root: str, yes: bool, dry_run: bool) -> int:
    """Remove the places of ended runs, the refs that kept their bases, and their merged branches here.

    What gates of killed runs set up is taken down first. The runs' folders stay, but these runs cannot be
    resumed.
    """
    store = open_store(directory, run_root)
    repository = Repository.locate(directory, os.environ)
    found = left_over(store, repository, [store.find(one).path for one in runs])
    for one in found:
        say(str(one))
    if not found:
        click.echo("nothing is left of ended runs", err=True)
    if dry_run or not found:
        return EXIT_PASSED
    things = counted(len(found), "thing")
    if not yes and not confirmed(f"Remove {things}?", "specguard run clean --yes"):
        return EXIT_FAILED
    for one in found:
        for line in remove(one, repository):
            say(line)
    click.echo(f"{things} removed", err=True)
    return EXIT_PASSED


def confirmed(question: str, step: str) -> bool:
    """Whether a person says yes.

    Args:
        question: what is asked.
        step: the command that does not ask.

    Raises:
        SpecguardError: nobody is there to ask.
    """
    try:
        return click.confirm(question, err=True)
    except click.Abort:
        if sys.stdin.isatty():
            raise
        click.echo(err=True)
        raise SpecguardError("nobody is there to ask", help=step) from None


@command.command("gates", short_help="Run the gates, with no agent and no commit.")
@_here
@opt.base
@opt.extra_gates
@opt.number("--timeout", metavar="SECONDS", help="For all gates.")
@opt.number("--command-timeout", metavar="SECONDS", help="For each command.")
@opt.flag("--dry-run", help="List the gates, and run none.")
def gates(**words: Any) -> int:
    """Run the gates of the branch's item, or else of every kind, and the guard itself.

    They run in your working tree, without formatters. Exit codes: 0 all passed, 3 one failed.
    """
    from specguard.executor.lifecycle import carry_out_gates

    given = {name: value for name, value in words.items() if value is not None}
    return carry_out_gates(
        RunOptions(environment=dict(os.environ), **given), say=lambda line: click.echo(line)
    )


@command.command("metrics", short_help="Count runs, and how much of what is done they show.")
@_here
@click.option(
    "--fail-under-coverage",
    "least",
    metavar="PERCENT",
    type=click.FloatRange(0, 100),
    help="End with 1 if runs show fewer of the done items, with 2 if none is done.",
)
@opt.output_format
def metrics(directory: str, run_root: str, least: float | None, output_format: str) -> int:
    """Count runs, their times and results, their gates, and how often agents corrected themselves.

    Reviewer coverage is the share of done items in the base that a run shows.
    """
    data = metrics_of(open_store(directory, run_root), directory, os.environ)
    show(output_format, data, metrics_text(data).split("\n"))
    percent = data["coverage"]["percent"]
    if least is not None and percent is None:
        return EXIT_NO_VERDICT
    return EXIT_FAILED if least is not None and percent < least else EXIT_PASSED


@command.command("migrate", short_help="Move run folders of an older layout.")
@_here
@opt.yes
@opt.flag("--dry-run", help="List the moves, and make none.")
def migrate(directory: str, run_root: str, yes: bool, dry_run: bool) -> int:
    """Move `local-<tool>/<run-id>/` to `<id>/<tool>/<run-id>/`, and leave links at the old paths.

    It lists all moves first, and ends with 1 if one is not possible.
    """
    store = open_store(directory, run_root)
    found = moves(store)
    can = [move for move in found if not move.problem]
    for move in found:
        say(f"{move.old} -> {move.new}" if move.new else f"{move.old} stays: {move.problem}")
    if not found:
        click.echo("no run folder has an older layout", err=True)
    result = EXIT_PASSED if len(can) == len(found) else EXIT_FAILED
    if dry_run or not can:
        return result
    folders = counted(len(can), "folder")
    if not yes and not confirmed(f"Move {folders}?", "specguard run migrate --yes"):
        return EXIT_FAILED
    for move in can:
        carry_out(store, move)
    click.echo(f"{folders} moved", err=True)
    return result
