"""`specguard error`: what a kind of error means, or the list of them."""

from __future__ import annotations

import click

from specguard.cli.error_kinds import error_kinds
from specguard.cli.error_pages import error_page
from specguard.cli.pages import show_markdown
from specguard.errors import SpecguardError, nearest
from specguard.reporters.escape import json_text


def _complete(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    return [name for each in error_kinds().values() for name in each if name.startswith(begun)]


@click.command("error", short_help="Show what an error means, or list the errors.")
@click.argument("name", metavar="[NAME]", required=False, shell_complete=_complete)
@click.option("--output-format", type=click.Choice(("text", "json")), default="text", help="What is printed.")
def command(name: str | None, output_format: str) -> None:
    """Show what an error means and how it is mended, by the name in brackets behind its message."""
    known = {one: kind for each in error_kinds().values() for one, kind in each.items()}
    wanted = (name or "").strip("[]")
    if name and wanted not in known:
        raise SpecguardError(
            f"no error is called {name!r}",
            help=nearest(wanted, known, "`specguard error` lists them"),
            code="unknown-name",
        )
    chosen = [known[wanted]] if name else list(known.values())
    if output_format == "json":
        click.echo(json_text([kind._asdict() for kind in chosen]))
    elif name:
        show_markdown(error_page(chosen[0]))
    else:
        width = max(map(len, known))
        for kind in chosen:
            click.echo(f"{kind.name:{width}}  {kind.title}")
