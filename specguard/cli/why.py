"""`specguard why`: which rules and lines govern a path."""

from __future__ import annotations

import os

import click

from specguard.change.request import Request
from specguard.cli.completion import FILE
from specguard.cli.options import in_directory
from specguard.engine.govern import what_governs
from specguard.reporters.escape import cut, cut_path, json_text, visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from specguard.engine.govern import Governing


@click.command("why", short_help="Show which rules and lines govern a path.")
@click.argument("path", type=FILE)
@in_directory
@click.option("--base", metavar="REF", default="", help="Ask the policy of REF.")
@click.option("--authority", metavar="FILE", type=FILE, default="", help="Ask the policy of FILE.")
@click.option("--output-format", type=click.Choice(("text", "json")), default="text", help="What is printed.")
def command(path: str, directory: str, base: str, authority: str, output_format: str) -> None:
    """Show which rules and which lines of the authority govern PATH, given from the repository's root."""
    request = Request(environment=os.environ, directory=directory, base=base, authority=authority)
    found = what_governs(request, path)
    if output_format == "json":
        click.echo(json_text([one.data for one in found]))
    else:
        _print(path, found)


def _print(path: str, found: Sequence[Governing]) -> None:
    if not found:
        name = visible(cut_path(path))
        click.echo(f"no pattern of the policy names {name}; the rules without patterns judge it too")
        return
    for one in found:
        origin = f"  {visible(cut_path(str(one.origin)))}" if one.origin else ""
        click.echo(
            f"{one.code} {one.name} ({one.severity}): {one.effect}: {visible(cut(one.pattern))}{origin}"
        )
