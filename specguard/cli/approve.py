"""`specguard approve`: show what could be approved, and write an approval of it."""

from __future__ import annotations

import os
from typing import Any

import click

from specguard.change.request import Request
from specguard.cli.completion import FILE, complete_selectors
from specguard.cli.options import approval, in_directory, what_is_judged
from specguard.engine.check import check
from specguard.errors import SpecguardError
from specguard.model import EXIT_PASSED
from specguard.reporters.escape import json_text, visible
from specguard.reporters.json import report
from specguard.reporters.text import located
from specguard.reporters.wording import accounts, may_approve

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from specguard.model import Judged, RuleResult, Verdict


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
def command(rules: tuple[str, ...], output_format: str, **options: Any) -> int:
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
