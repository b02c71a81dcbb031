"""`specguard brief`: what an agent is told of an item."""

from __future__ import annotations

import os

import click

from specguard.cli.completion import FILE
from specguard.cli.options import in_directory
from specguard.cli.pages import show_markdown
from specguard.executor.brief import brief_of
from specguard.executor.run import RunOptions


@click.command("brief", short_help="Print an agent's brief for an item.")
@click.argument("kind", default="")
@click.argument("item", default="", metavar="[ID]")
@in_directory
@click.option("--plan", metavar="FILE", type=FILE, default="", help="Take the item from this file.")
@click.option("--base", metavar="BRANCH", default="", help="Start from this branch.")
@click.option(
    "--remote", metavar="NAME", default="origin", show_default=True, help="The remote with the base."
)
@click.option("--command", "commands", metavar="CMD", multiple=True, help="One more gate; repeatable.")
def command(
    kind: str, item: str, directory: str, plan: str, base: str, remote: str, commands: tuple[str, ...]
) -> None:
    """Print what an agent of `specguard run KIND` would read for the current item, or for ID.

    It writes nothing. Leave KIND out if the policy has only one.
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
