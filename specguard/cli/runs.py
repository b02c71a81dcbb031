"""Commands of `specguard run` that look at runs, look after them, and count them."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any

import click

from specguard.change.repository import Repository
from specguard.change.request import Request
from specguard.cli.docs import show_markdown
from specguard.cli.options import DIRECTORY, counted, in_directory
from specguard.engine.policies import open_policy
from specguard.errors import SpecguardError
from specguard.executor import run as executor_run
from specguard.executor.lifecycle import left_over, remove
from specguard.executor.lifecycle import stop as stop_run
from specguard.executor.metrics import metrics as metrics_of
from specguard.executor.report import REPORT, report_text
from specguard.executor.run import RunOptions
from specguard.model import EXIT_FAILED, EXIT_NO_VERDICT, EXIT_PASSED
from specguard.reporters.escape import json_text, legible, markdown_shown, visible
from specguard.reporters.status import HEADS, all_of, as_data, cells, metrics_text, table
from specguard.runs.views import carry_out, moves

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

    from rich.console import RenderableType

    from specguard.authority.policy import Policy
    from specguard.runs.views import RunStore, RunView


in_root = click.option(
    "--run-root",
    metavar="DIR",
    type=DIRECTORY,
    default="",
    help="Keep runs in DIR.",
)
"""`--run-root DIR`, as `specguard run KIND` has it."""


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
    return executor_run.open_store(directory, os.environ, run_root=run_root)


def find_run(store: RunStore, prefix: str) -> RunView:
    """The run that is named, else the one that began last.

    Raises:
        SpecguardError: there is none, or several.
    """
    return store.find(prefix) if prefix else store.latest()


_PAUSE: Final = 1.0

_format = click.option(
    "--output-format", type=click.Choice(("text", "json")), default="text", help="What is printed."
)


@click.command("list", short_help="List the runs.")
@in_directory
@in_root
@_format
def list_(directory: str, run_root: str, output_format: str) -> None:
    """List all runs, newest last, also old and broken ones."""
    runs = open_store(directory, run_root).runs()
    if output_format == "json":
        click.echo(_json(runs))
    elif not runs:
        click.echo("there are no runs", err=True)
    else:
        click.echo(table(runs))


@click.command("status", short_help="Show the state of runs.")
@click.argument("run", default="")
@in_directory
@in_root
@click.option("--watch", is_flag=True, help="Follow it until it ends.")
@_format
def status(run: str, directory: str, run_root: str, watch: bool, output_format: str) -> None:
    """Show the state of RUN, or else the active runs or the last one.

    RUN is an id or its beginning. With --watch, JSON has one line per change.
    """
    store = open_store(directory, run_root)
    shown = store.asked(run)
    if watch:
        _watch(store, shown, output_format)
    elif output_format == "json":
        click.echo(_json(shown))
    else:
        click.echo(_text(shown))


@click.command("doctor", short_help="Say what is wrong with runs.")
@click.argument("run", default="")
@in_directory
@in_root
@click.option(
    "--lines", metavar="N", type=click.IntRange(0), default=20, help="How many lines of its log to show."
)
@_format
def doctor(run: str, directory: str, run_root: str, lines: int, output_format: str) -> int:
    """Show whether RUN lives, its heartbeat, the end of its log, and what resumes it.

    Without RUN, look at all active or unreadable runs. It ends with 1 if one died or cannot be read.
    """
    store = open_store(directory, run_root)
    shown = [store.find(run)] if run else [one for one in store.runs() if one.open or one.problem]
    if output_format == "json":
        click.echo(_json(shown, lines))
    elif shown:
        click.echo("\n\n".join(all_of(one, lines=lines) for one in shown))
    else:
        click.echo("no run is under way, and all records can be read", err=True)
    return EXIT_FAILED if any(one.stale or one.problem for one in shown) else EXIT_PASSED


@click.command("report", short_help="Show a run's report.")
@click.argument("run", default="")
@in_directory
@in_root
def report(run: str, directory: str, run_root: str) -> None:
    """Show the report of RUN, or of the last run."""
    found = find_run(open_store(directory, run_root), run)
    manifest = found.manifest
    if manifest is None:
        raise SpecguardError(
            f"no report can be made of {found.run_id}: {found.problem or 'its record has another layout'}",
            path=found.path,
            help=f"specguard run doctor {found.run_id}",
        )
    from specguard.runs.folder import RunFolder

    folder = RunFolder(found.path, found.root)
    try:
        with open(folder.file(REPORT), encoding="utf-8", errors="backslashreplace") as file:
            text = file.read()
    except FileNotFoundError:
        text = report_text(manifest, folder)
    except OSError as error:
        raise SpecguardError(
            f"the report cannot be read: {error.strerror}", path=folder.file(REPORT), code="unreadable-file"
        ) from error
    show_markdown(legible(text if sys.stdout.isatty() else markdown_shown(text)))


def _json(runs: Sequence[RunView], lines: int | None = None) -> str:
    return json_text(as_data(runs, lines=lines))


def _text(runs: Sequence[RunView]) -> str:
    return all_of(runs[0], lines=5) if len(runs) == 1 else table(runs)


def _watch(store: RunStore, runs: Sequence[RunView], output_format: str) -> None:
    """Show runs until all of them have ended or died."""
    paths = [run.path for run in runs]
    if output_format == "text" and sys.stdout.isatty():
        from rich.console import Console
        from rich.live import Live

        with Live(_rows(runs), console=Console(), refresh_per_second=4) as live:
            while any(run.alive for run in runs):
                time.sleep(_PAUSE)
                runs = [store.view(path) for path in paths]
                live.update(_rows(runs))
        return
    before: dict[str, object] = {}
    while True:
        for run in runs:
            now = {name: run.data[name] for name in ("state", "step", "attempts", "alive", "reason")}
            if before.get(run.path) != now:
                before[run.path] = now
                line = json_text(run.data, indent=None) if output_format == "json" else "  ".join(cells(run))
                click.echo(line)
        sys.stdout.flush()
        if not any(run.alive for run in runs):
            return
        time.sleep(_PAUSE)
        runs = [store.view(path) for path in paths]


def _rows(runs: Sequence[RunView]) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    made = Table(*HEADS, box=None, header_style="bold")
    for run in runs:
        made.add_row(*map(Text, cells(run)))
    return made


@click.command("stop", short_help="Stop a run and its processes.")
@click.argument("run")
@in_directory
@in_root
def stop(run: str, directory: str, run_root: str) -> None:
    """Stop RUN and its own processes. You can resume it.

    A dead run is given up, which frees its item. What its gates set up is taken down.
    """
    store = open_store(directory, run_root)
    for line in stop_run(store.find(run), store.root, directory):
        click.echo(visible(line))


@click.command("clean", short_help="Remove what ended runs left.")
@click.argument("runs", nargs=-1, metavar="[RUN]...")
@in_directory
@in_root
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="List them, and remove nothing.")
def clean(runs: tuple[str, ...], directory: str, run_root: str, yes: bool, dry_run: bool) -> int:
    """Remove the places of ended runs, the refs that kept their bases, and their merged branches here.

    What gates of killed runs set up is taken down first. The runs' folders stay, but these runs cannot be
    resumed.
    """
    store = open_store(directory, run_root)
    repository = Repository.locate(directory, os.environ)
    found = left_over(store, repository, [store.find(one).path for one in runs])
    for one in found:
        click.echo(visible(str(one)))
    if not found:
        click.echo("nothing is left of ended runs", err=True)
        return EXIT_PASSED
    if dry_run:
        return EXIT_PASSED
    if not yes and not confirmed(f"Remove {counted(len(found), 'thing')}?", "specguard run clean --yes"):
        return EXIT_FAILED
    for one in found:
        for line in remove(one, repository):
            click.echo(visible(line))
    click.echo(f"{counted(len(found), 'thing')} removed", err=True)
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


@click.command("gates", short_help="Run the gates without an agent.")
@in_directory
@in_root
@click.option("--base", metavar="REF", default="", help="Use the policy of REF.")
@click.option("--command", "commands", metavar="CMD", multiple=True, help="One more gate; repeatable.")
@click.option("--timeout", metavar="SECONDS", type=click.IntRange(1), default=None, help="For all gates.")
@click.option(
    "--command-timeout",
    metavar="SECONDS",
    type=click.IntRange(1),
    default=None,
    help="For each command.",
)
@click.option("--dry-run", is_flag=True, help="List the gates, and run none.")
def gates(**words: Any) -> int:
    """Run the gates of the branch's item, or else of every kind, and the guard itself.

    They run in your working tree, without formatters. Exit codes: 0 all passed, 3 one failed.
    """
    from specguard.executor.gate_runs import carry_out_gates

    given = {name: value for name, value in words.items() if value is not None}
    options = RunOptions(environment=dict(os.environ), **given)
    return carry_out_gates(options, say=lambda line: click.echo(line))


@click.command("metrics", short_help="Count runs and what they prove.")
@in_directory
@in_root
@click.option(
    "--fail-under-coverage",
    "least",
    metavar="PERCENT",
    type=click.FloatRange(0, 100),
    default=None,
    help="End with 1 if runs show fewer of the done items, with 2 if none is done.",
)
@click.option("--output-format", type=click.Choice(("text", "json")), default="text", help="What is printed.")
def metrics(directory: str, run_root: str, least: float | None, output_format: str) -> int:
    """Count runs, their times and results, their gates, and how often agents corrected themselves.

    Reviewer coverage is the share of done items in the base that a run shows.
    """
    data = metrics_of(open_store(directory, run_root), directory, os.environ)
    click.echo(json_text(data) if output_format == "json" else metrics_text(data))
    percent = data["coverage"]["percent"]
    if least is not None and percent is None:
        return EXIT_NO_VERDICT
    return EXIT_FAILED if least is not None and percent < least else EXIT_PASSED


@click.command("migrate", short_help="Move run folders of an older layout.")
@in_directory
@in_root
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="List the moves, and make none.")
def migrate(directory: str, run_root: str, yes: bool, dry_run: bool) -> int:
    """Move `local-<tool>/<run-id>/` to `<id>/<tool>/<run-id>/`, and leave links at the old paths.

    It lists all moves first, and ends with 1 if one is not possible.
    """
    store = open_store(directory, run_root)
    found = moves(store)
    can = [move for move in found if not move.problem]
    for move in found:
        click.echo(visible(f"{move.old} -> {move.new}" if move.new else f"{move.old} stays: {move.problem}"))
    if not found:
        click.echo("no run folder has an older layout", err=True)
    result = EXIT_PASSED if len(can) == len(found) else EXIT_FAILED
    if dry_run or not can:
        return result
    if not yes and not confirmed(f"Move {counted(len(can), 'folder')}?", "specguard run migrate --yes"):
        return EXIT_FAILED
    for move in can:
        carry_out(store, move)
    click.echo(f"{counted(len(can), 'folder')} moved", err=True)
    return result
