"""`specguard brief`: what an agent is told of an item."""

from __future__ import annotations

import os

import click

from specguard.cli.completion import FILE
from specguard.cli.options import in_directory
from specguard.cli.pages import show_markdown
from specguard.executor.briefing import brief_of
from specguard.executor.options import RunOptions


@click.command("brief", short_help="Print what an agent is told of an item.")
@click.argument("kind", default="")
@click.argument("item", default="", metavar="[ID]")
@in_directory
@click.option("--plan", metavar="FILE", type=FILE, default="", help="Take the item from this list or plan.")
@click.option("--base", metavar="BRANCH", default="", help="Start from this branch of the remote.")
@click.option("--remote", metavar="NAME", default="origin", show_default=True, help="The base is there.")
@click.option("--command", "commands", metavar="CMD", multiple=True, help="A further gate; may be repeated.")
def command(
    kind: str, item: str, directory: str, plan: str, base: str, remote: str, commands: tuple[str, ...]
) -> None:
    """Print the page that an agent of `specguard run KIND` would read: the current item's, or that of ID.

    It is made from the base as it was fetched last; nothing is written. KIND can be left out where the
    policy describes one alone.
    """
    options = RunOptions(
        environment=dict(os.environ),
        directory=directory,
        kind=kind,
        item=item,
        plan=plan,
        base=base,
        remote=remote,
        commands=commands,
    )
    show_markdown(brief_of(options))
