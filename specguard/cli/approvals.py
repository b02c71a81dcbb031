"""`specguard approvals`: what the log of approvals has, and whether it holds."""

from __future__ import annotations

import os
import shlex

import click

from specguard.change.git import Git
from specguard.change.repository import Repository
from specguard.change.request import Request
from specguard.cli.completion import FILE
from specguard.cli.options import in_directory
from specguard.engine.granting import add_signature, revoke
from specguard.engine.logbook import Logbook, Verification
from specguard.model import EXIT_FAILED, EXIT_PASSED
from specguard.reporters.escape import visible
from specguard.reporters.logbook import (
    as_json,
    as_text,
    one_as_text,
    verified_as_json,
    verified_as_text,
    written_as_json,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from specguard.engine.logbook import Logged

_base = click.option("--base", metavar="REF", default="", help="Use the policy of REF.")
_decisions = click.option(
    "--decisions",
    metavar="FILE",
    type=FILE,
    multiple=True,
    help="Count uses in this log of decisions; repeatable.",
)
_format = click.option(
    "--output-format", type=click.Choice(("text", "json")), default="text", help="What is printed."
)
_key = click.option(
    "--key",
    metavar="FILE",
    type=FILE,
    default="",
    help="The SSH key, or its `.pub` file for ssh-agent.",
)


class _Group(click.Group):
    """A group whose first command is meant where none is named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        named = bool(args) and (not args[0].startswith("-") or args[0] in ctx.help_option_names)
        if not named and not ctx.resilient_parsing:
            args = ["list", *args]
        return super().parse_args(ctx, args)


@click.group("approvals", cls=_Group, short_help="Show the log of approvals, and verify it.")
def command() -> None:
    """Show the log of approvals, verify it, revoke an approval, or sign one.

    Without a command it lists them. ID is a record's id, or its first 7 digits or more.
    """


@command.command("list")
@in_directory
@_base
@click.option("--all", "over", is_flag=True, help="Include expired and revoked ones.")
@_decisions
@_format
def list_(directory: str, base: str, over: bool, decisions: Sequence[str], output_format: str) -> None:
    """List the approvals: who gave them, for what, why, until when, and where used."""
    request = _request(directory, base)
    with Git(Repository.locate(directory, os.environ)) as git:
        book = Logbook(git, request, decisions)
        if output_format == "json":
            click.echo(as_json(book, [*book.approvals(), *book.revocations()]), nl=False)
        else:
            click.echo(as_text(book, over=over), nl=False)
        _say_broken(book)


@command.command("show")
@click.argument("name", metavar="ID")
@in_directory
@_base
@_decisions
@_format
def show(name: str, directory: str, base: str, decisions: Sequence[str], output_format: str) -> None:
    """Show a record, where it is, who signed it, and where it was used."""
    request = _request(directory, base)
    with Git(Repository.locate(directory, os.environ)) as git:
        book = Logbook(git, request, decisions)
        logged = book.logged(book.named(name))
        text = as_json(book, [logged]) if output_format == "json" else one_as_text(logged)
        click.echo(text, nl=False)
        _say_broken(book)


@command.command("verify")
@in_directory
@_base
@_format
def verify(directory: str, base: str, output_format: str) -> int:
    """Find edited, renamed, removed, forged, copied and incomplete records.

    It ends with 1 if it finds any.
    """
    request = _request(directory, base)
    with Git(Repository.locate(directory, os.environ)) as git:
        found = Verification(Logbook(git, request))
        text = verified_as_json(found) if output_format == "json" else verified_as_text(found)
    click.echo(text, nl=False)
    return EXIT_FAILED if found.problems else EXIT_PASSED


@command.command("revoke")
@click.argument("name", metavar="ID")
@in_directory
@_base
@click.option("--approved-by", metavar="WHO", required=True, help="The approver who revokes it.")
@click.option("--reason", metavar="TEXT", required=True, help="Why.")
@_key
@_format
def revoke_(
    name: str, directory: str, base: str, approved_by: str, reason: str, key: str, output_format: str
) -> None:
    """End an approval early, for ever. An unsigned revocation counts too."""
    filed, paths = revoke(_request(directory, base), name, approved_by=approved_by, reason=reason, key=key)
    _say_written(f"approval {filed.id[:12]} is revoked", filed.id, paths, output_format)


@command.command("sign")
@click.argument("name", metavar="ID")
@in_directory
@_base
@click.option(
    "--key",
    metavar="FILE",
    type=FILE,
    required=True,
    help="The SSH key, or its `.pub` file for ssh-agent.",
)
@_format
def sign(name: str, directory: str, base: str, key: str, output_format: str) -> None:
    """Sign an unsigned record as its approver, after showing its text."""

    def show(logged: Logged) -> None:
        click.echo(one_as_text(logged), nl=False, err=output_format == "json")

    filed, path = add_signature(_request(directory, base), name, key, show)
    _say_written(f"{filed.id[:12]} is signed", filed.id, [path], output_format)


def _request(directory: str, base: str) -> Request:
    return Request(environment=os.environ, directory=directory, base=base)


def _say_broken(book: Logbook) -> None:
    if book.uses.broken:
        lines = (
            "a line is no decision" if book.uses.broken == 1 else f"{book.uses.broken} lines are no decisions"
        )
        click.echo(visible(f"note: in the logs of decisions {lines}"), err=True)


def _say_written(said: str, name: str, paths: Sequence[str], output_format: str) -> None:
    if output_format == "json":
        click.echo(written_as_json(name, paths), nl=False)
        return
    click.echo(visible(f"{said}: {' and '.join(paths)}"))
    click.echo(visible(f"next git add {shlex.join(paths)} && git commit"))
