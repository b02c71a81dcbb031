"""`specguard approvals` and `specguard approve`: the log of approvals, and writing an approval to it."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING, Any

import click

from specguard.change.git import Git
from specguard.change.repository import Repository
from specguard.change.request import Request
from specguard.cli.options import FILE, approval, complete_selectors, in_directory, what_is_judged
from specguard.engine.check import check
from specguard.engine.granting import add_signature, revoke
from specguard.engine.logbook import Logbook, Verification
from specguard.errors import SpecguardError
from specguard.model import EXIT_FAILED, EXIT_PASSED
from specguard.reporters.escape import json_text, visible
from specguard.reporters.json import report
from specguard.reporters.logbook import (
    as_json,
    as_text,
    one_as_text,
    verified_as_json,
    verified_as_text,
    written_as_json,
)
from specguard.reporters.text import located
from specguard.reporters.wording import accounts, may_approve

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from specguard.engine.logbook import Logged
    from specguard.model import Judged, RuleResult, Verdict


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


@click.command("approve", short_help="Show what can be approved, and approve it.")
@click.argument("rules", nargs=-1, metavar="[RULE]...", shell_complete=complete_selectors)
@in_directory
@approval
@click.option(
    "--key",
    metavar="FILE",
    type=FILE,
    default="",
    help="The SSH key, or its `.pub` file for ssh-agent.",
)
@what_is_judged
@click.option("--output-format", type=click.Choice(("text", "json")), default="text", help="What is printed.")
def approve_command(rules: tuple[str, ...], output_format: str, **options: Any) -> int:
    """Show the findings that an approval could lift, or approve those of RULE.

    With --reason it approves the findings of RULE in --path, only for this content. Commit the approval with
    the change.
    """
    request = Request(environment=os.environ, override=rules, **options)
    if request.push:
        raise SpecguardError(
            "an approval is for one change, and a push may bring several",
            help="name a branch",
            code="not-approvable",
        )
    asked = [flag for flag in ("reason", "approved_by") if getattr(request, flag)]
    if asked and not rules:
        raise SpecguardError(
            "an approval names the rules that it is for",
            help="`specguard approve` lists them",
            code="not-approvable",
        )
    if not asked:
        # What is asked for with a rule alone is what could be approved of it.
        request = Request(environment=os.environ, select=rules, **options)
    (verdict,) = check(request) or (None,)
    if verdict is None:
        raise SpecguardError(
            "there is no change to approve", help="name a branch that is there", code="not-approvable"
        )
    if output_format == "json":
        click.echo(json_text(_data(verdict, written=bool(asked))))
    else:
        lines = [f"note: {note}" for note in verdict.notes] if asked else list(_offered(verdict))
        for line in lines:
            click.echo(visible(line))
    return EXIT_PASSED


def _open(verdict: Verdict) -> Iterator[tuple[RuleResult, Sequence[Judged]]]:
    """The rules with errors that are open, and these."""
    for result in verdict.results:
        found = [one for one in result.findings if one.state == "open" and one.severity == "error"]
        if found:
            yield result, found


def _offered(verdict: Verdict) -> Iterator[str]:
    """What could be approved and by whom, with the identities that the approval would be bound to."""
    change = verdict.change
    yield f"change {change['fingerprint'] or '(no content)'}"
    none = True
    for result, found in _open(verdict):
        none = False
        yield f"{result.code} {result.name}"
        for judged in found:
            yield f"  {located(judged)}"
            yield f"    finding {judged.fingerprint}"
            yield from (f"    {account}" for account in accounts(judged))
        offer = may_approve(result, str(change["source"]))
        if offer is None:
            yield "  nobody may approve this"
        else:
            yield f"  {offer[0]}"
            yield f"  next {offer[1]}"
    if none:
        yield "nothing is open that could be approved"


def _data(verdict: Verdict, *, written: bool) -> Mapping[str, Any]:
    """The same for other programs, with what was written."""
    whole = report(verdict)
    codes = {result.code: result for result, _ in _open(verdict)}
    found = [one for one in whole["findings"] if one["state"] == "open" and one["severity"] == "error"]
    return {
        "schema": "specguard.approve/1",
        "change": whole["change"],
        "policy_id": whole["authority"]["policy_id"],
        "approvable": [
            {**one, "approvers": list(codes[one["code"]].approvers)}
            for one in found
            if codes[one["code"]].approvers
        ],
        "not_approvable": [one for one in found if not codes[one["code"]].approvers],
        "written": whole["notes"] if written else [],
    }
