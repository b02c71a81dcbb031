"""`specguard run metrics` and `migrate`: all runs at once."""

from __future__ import annotations

import os

import click

from specguard.cli.options import in_directory
from specguard.cli.run_care import confirmed
from specguard.cli.run_store import in_root, open_store
from specguard.cli.words import counted
from specguard.executor.metrics import metrics as metrics_of
from specguard.model import EXIT_FAILED, EXIT_NO_VERDICT, EXIT_PASSED
from specguard.reporters.escape import json_text, visible
from specguard.reporters.status import metrics_text
from specguard.runs.views import carry_out, moves


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
