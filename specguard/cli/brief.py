"""`specguard brief`: what an agent is told of an item."""

from __future__ import annotations

import os

import click

from specguard.change.git import Git
from specguard.change.request import Request
from specguard.cli.completion import FILE
from specguard.cli.options import in_directory
from specguard.cli.pages import show_markdown
from specguard.engine.policies import open_policy
from specguard.errors import MissingFact, SpecguardError
from specguard.executor.brief import brief_text
from specguard.executor.ending import RunEnded
from specguard.executor.options import RunOptions
from specguard.executor.plan import RUN_ID
from specguard.executor.preflight import find_checkout, new_manifest
from specguard.executor.run import Run
from specguard.executor.starting import start_as_fetched
from specguard.executor.user_git import read_settings
from specguard.runs.folder import RunFolder


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
        kind=kind or _only_kind(directory),
        item=item,
        plan=plan,
        base=base,
        remote=remote,
        commands=commands,
    )
    repository, root = find_checkout(options)
    with Git(repository) as git:
        try:
            start, address, _ = start_as_fetched(git, options, read_settings(repository), root=root)
            manifest = new_manifest(start, options, RUN_ID, address.shown)
            run = Run(options, RunFolder(RUN_ID), manifest, git=git, policy=start.policy, item=start.item)
            text = brief_text(run)
        except MissingFact as missing:
            raise SpecguardError(missing.reason, help=missing.command) from missing
        except RunEnded as end:
            raise SpecguardError(end.reason, help=end.help) from end
    show_markdown(text)


def _only_kind(directory: str) -> str:
    policy = open_policy(Request(environment=os.environ, directory=directory))
    kinds: list[str] = list(policy.declared("work_kinds"))
    if len(kinds) != 1:
        raise SpecguardError(
            f"the policy describes {', '.join(kinds)}" if kinds else "the policy describes no work items",
            help="specguard brief KIND" if kinds else "describe one: a table [work.<kind>]",
        )
    return kinds[0]
