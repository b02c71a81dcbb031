"""`specguard run resume`, `stop`, `clean` and `gates`."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from specguard.change.repository import Repository
from specguard.cli.options import in_directory
from specguard.cli.run_store import in_root, open_store
from specguard.cli.words import counted
from specguard.errors import SpecguardError
from specguard.executor.lifecycle import left_over, remove
from specguard.executor.lifecycle import stop as stop_run
from specguard.executor.run import RunOptions
from specguard.model import EXIT_FAILED, EXIT_PASSED
from specguard.reporters.escape import visible


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
