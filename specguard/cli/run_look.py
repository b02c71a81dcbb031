"""`specguard run list`, `status`, `doctor` and `report`: looking at runs, which changes nothing."""

from __future__ import annotations

import sys
import time

import click

from specguard.cli.options import in_directory
from specguard.cli.pages import show_markdown
from specguard.cli.run_store import find_run, in_root, open_store
from specguard.errors import SpecguardError
from specguard.executor.report import REPORT, report_text
from specguard.model import EXIT_FAILED, EXIT_PASSED
from specguard.reporters.escape import json_text, legible, markdown_shown
from specguard.reporters.status import HEADS, all_of, as_data, cells, table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

    from rich.console import RenderableType

    from specguard.runs.views import RunStore, RunView

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
