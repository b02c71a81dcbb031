"""`specguard status`: where the work stands."""

from __future__ import annotations

import os

import click

from specguard.change.request import Request
from specguard.cli.completion import FILE
from specguard.cli.judge import wants_colour
from specguard.cli.options import in_directory
from specguard.engine.status import standing
from specguard.model import EXIT_FAILED, EXIT_NO_VERDICT, EXIT_PASSED
from specguard.reporters.escape import json_text
from specguard.reporters.status import render, required

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


@click.command("status", short_help="Show where the work stands.")
@in_directory
@click.option("--base", metavar="REF", default="", help="Use the policy of REF.")
@click.option("--authority", metavar="FILE", type=FILE, default="", help="Use the policy in FILE.")
@click.option("--worktree", is_flag=True, help="Look at the working tree, not HEAD.")
@click.option("--wave", "waves", metavar="WAVE", multiple=True, help="Only this wave; repeatable.")
@click.option(
    "--require",
    type=click.Choice(("complete",)),
    help="End with 1 if something is missing, with 2 if unknown.",
)
@click.option("--today", metavar="DATE", default="", help="The UTC date, YYYY-MM-DD.")
@click.option("--output-format", type=click.Choice(("text", "json")), default="text", help="What is printed.")
def command(
    directory: str,
    base: str,
    authority: str,
    worktree: bool,
    waves: Sequence[str],
    require: str | None,
    today: str,
    output_format: str,
) -> int:
    """Show the current item, waves, stages, slices, tasks and agents, and what comes next.

    It reads HEAD, by the base's policy.
    """
    request = Request(
        environment=os.environ,
        directory=directory,
        base=base,
        authority=authority,
        worktree=worktree,
        today=today,
        all=True,
    )
    status = standing(request, waves=waves, worktrees=require is not None)
    if output_format == "json":
        click.echo(json_text(status))
    else:
        click.echo(render(status, colour=wants_colour()), nl=False)
        if require:
            click.echo("")
            click.echo(required(status), nl=False)
    if not require:
        return EXIT_PASSED
    if status["complete"] is None:
        return EXIT_NO_VERDICT
    return EXIT_PASSED if status["complete"] else EXIT_FAILED
