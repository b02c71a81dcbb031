"""`specguard approve`, `approvals` and `baseline`: what is accepted of what is found, and its records."""

from __future__ import annotations

import os
import shlex
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from specguard.change.change import BASELINE
from specguard.change.git import Git
from specguard.change.repository import Repository
from specguard.change.request import Request
from specguard.cli.files import replace_file, writing
from specguard.cli.options import (
    FILE,
    approval,
    base,
    complete_selectors,
    counted,
    file,
    flag,
    in_directory,
    output_format,
    repeated,
    say,
    several,
    show,
    text,
    today,
    usage,
    what_is_judged,
)
from specguard.engine.baseline import Recording, record
from specguard.engine.check import check
from specguard.engine.granting import add_signature, revoke
from specguard.engine.logbook import Logbook, Verification
from specguard.errors import SpecguardError
from specguard.model import EXIT_FAILED, EXIT_NO_VERDICT, EXIT_PASSED, path_text
from specguard.reporters.escape import cut, cut_path
from specguard.reporters.json import report
from specguard.reporters.logbook import (
    all_lines,
    data_of,
    lines_of,
    verified_data,
    verified_lines,
    written_data,
)
from specguard.reporters.text import located
from specguard.reporters.wording import accounts, may_approve

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Final

    from specguard.engine.logbook import Logged
    from specguard.model import Judged, RuleResult, Verdict


_decisions = repeated(
    "--decisions", metavar="FILE", type=FILE, help="Count uses in this log of decisions; repeatable."
)
_KEY_HELP = "The SSH key, or its `.pub` file for ssh-agent."
_key = file("--key", help=_KEY_HELP)
_record = several(click.argument("name", metavar="ID"), in_directory, base)


class _Group(click.Group):
    """A group whose first command is meant where none is named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        named = bool(args) and (not args[0].startswith("-") or args[0] in ctx.help_option_names)
        if not named and not ctx.resilient_parsing:
            args = ["list", *args]
        return super().parse_args(ctx, args)


@click.group("approvals", cls=_Group)
def command() -> None:
    """Show the log of approvals, verify it, revoke an approval, or sign one.

    Without a command it lists them. ID is a record's id, or its first 7 digits or more.
    """


def _request(directory: str, base: str) -> Request:
    return Request(environment=os.environ, directory=directory, base=base)


@contextmanager
def _logbook(directory: str, base: str, decisions: Sequence[str] = ()) -> Iterator[Logbook]:
    with Git(Repository.locate(directory, os.environ)) as git:
        book = Logbook(git, _request(directory, base), decisions)
        yield book
        if broken := book.uses.broken:
            lines = "a line is no decision" if broken == 1 else f"{broken} lines are no decisions"
            say(f"note: in the logs of decisions {lines}", err=True)


@command.command("list")
@in_directory
@base
@flag("--all", "over", help="Include expired and revoked ones.")
@_decisions
@output_format
def list_(directory: str, base: str, over: bool, decisions: Sequence[str], output_format: str) -> None:
    """List the approvals: who gave them, for what, why, until when, and where used."""
    with _logbook(directory, base, decisions) as book:
        if output_format == "json":
            show("json", data_of(book, [*book.approvals(), *book.revocations()]), ())
        else:
            show("text", None, all_lines(book, over=over))


@command.command("show")
@_record
@_decisions
@output_format
def show_(name: str, directory: str, base: str, decisions: Sequence[str], output_format: str) -> None:
    """Show a record, where it is, who signed it, and where it was used."""
    with _logbook(directory, base, decisions) as book:
        logged = book.logged(book.named(name))
        show(output_format, data_of(book, [logged]), lines_of(logged))


@command.command("verify")
@in_directory
@base
@output_format
def verify(directory: str, base: str, output_format: str) -> int:
    """Find edited, renamed, removed, forged, copied and incomplete records.

    It ends with 1 if it finds any.
    """
    with _logbook(directory, base) as book:
        found = Verification(book)
        show(output_format, verified_data(found), verified_lines(found))
    return EXIT_FAILED if found.problems else EXIT_PASSED


@command.command("revoke")
@_record
@text("--approved-by", metavar="WHO", required=True, help="The approver who revokes it.")
@text("--reason", metavar="TEXT", required=True, help="Why.")
@_key
@output_format
def revoke_(name: str, directory: str, base: str, output_format: str, **words: str) -> None:
    """End an approval early, for ever. An unsigned revocation counts too."""
    filed, paths = revoke(_request(directory, base), name, **words)
    _say_written(f"approval {filed.id[:12]} is revoked", filed.id, paths, output_format)


@command.command("sign")
@_record
@file("--key", required=True, help=_KEY_HELP)
@output_format
def sign(name: str, directory: str, base: str, key: str, output_format: str) -> None:
    """Sign an unsigned record as its approver, after showing its text."""

    def told(logged: Logged) -> None:
        for line in lines_of(logged):
            say(line, err=output_format == "json")

    filed, path = add_signature(_request(directory, base), name, key, told)
    _say_written(f"{filed.id[:12]} is signed", filed.id, [path], output_format)


def _say_written(said: str, name: str, paths: Sequence[str], output_format: str) -> None:
    lines = [f"{said}: {' and '.join(paths)}", f"next git add {shlex.join(paths)} && git commit"]
    show(output_format, written_data(name, paths), lines)


@click.command("approve")
@click.argument("rules", nargs=-1, metavar="[RULE]...", shell_complete=complete_selectors)
@in_directory
@approval
@_key
@what_is_judged
@output_format
def approve_command(rules: tuple[str, ...], output_format: str, **options: Any) -> None:
    """Show the findings that an approval could lift, or approve those of RULE.

    With --reason it approves the findings of RULE in --path, only for this content. Commit the approval with
    the change.
    """
    asked = bool(options["reason"] or options["approved_by"])
    if options["push"]:
        raise _refused("an approval is for one change, and a push may bring several", "name a branch")
    if asked and not rules:
        said = "an approval names the rules that it is for"
        raise _refused(said, "`specguard approve` lists them")
    # What is asked for with a rule alone is what could be approved of it.
    meant: dict[str, Any] = {"override" if asked else "select": rules}
    (verdict,) = check(Request(environment=os.environ, **meant, **options)) or (None,)
    if verdict is None:
        raise _refused("there is no change to approve", "name a branch that is there")
    lines = [f"note: {note}" for note in verdict.notes] if asked else _offered(verdict)
    show(output_format, _data(verdict, written=asked), lines)


def _refused(message: str, help: str) -> SpecguardError:
    return SpecguardError(message, help=help, code="not-approvable")


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
        yield from (f"  {offer[0]}", f"  next {offer[1]}") if offer else ("  nobody may approve this",)
    if none:
        yield "nothing is open that could be approved"


def _data(verdict: Verdict, *, written: bool) -> Mapping[str, Any]:
    """The same for other programs, with what was written."""
    whole = report(verdict)
    approvers = {result.code: list(result.approvers) for result, _ in _open(verdict)}
    found = [one for one in whole["findings"] if one["state"] == "open" and one["severity"] == "error"]
    return {
        "schema": "specguard.approve/1",
        "change": whole["change"],
        "policy_id": whole["authority"]["policy_id"],
        "approvable": [
            {**one, "approvers": approvers[one["code"]]} for one in found if approvers[one["code"]]
        ],
        "not_approvable": [one for one in found if not approvers[one["code"]]],
        "written": whole["notes"] if written else [],
    }


SHOWN: Final = 20
"""How many lines of a kind are printed before the rest is counted."""

_PLACE: Final = path_text(BASELINE)


@click.command("baseline")
@in_directory
@flag("--grow", help="Also accept what is not recorded yet.")
@flag("--check", help="Write nothing; end with 1 if it could shrink.")
@flag("--strict", help="Count warnings as errors.")
@today
@output_format
def baseline_command(
    directory: str, grow: bool, check: bool, strict: bool, today: str, output_format: str
) -> int:
    """Record in .specguard/baseline.json how many errors each file has of each rule.

    Checks accept what it records (rules SPC, ART, PLN, CNT and CFG) once it is on the base branch. It only
    shrinks, except with --grow.
    """
    if grow and check:
        raise usage("--grow does not go with --check, which writes nothing", "leave one out")
    request = Request(environment=os.environ, directory=directory, today=today, strict=strict, all=True)
    recording = record(request, grow=grow)
    if not check:
        _write_baseline(recording)
    data = _recorded(recording, written=not check)
    show(output_format, data, (cut(line) for line in _said(recording, check=check)))
    if any(result.incomplete for result in recording.undecided):
        return EXIT_NO_VERDICT
    if check and recording.before is not None and (recording.changes or not recording.after):
        return EXIT_FAILED
    return EXIT_PASSED


def _write_baseline(recording: Recording) -> None:
    """Write the baseline in place of the old one; one that accepts nothing is taken away."""
    file = os.path.join(recording.top, os.fsdecode(BASELINE))
    folder = os.path.dirname(file)
    if os.path.islink(folder) or os.path.islink(file):
        said = "it is reached through a symbolic link"
        raise SpecguardError(said, path=_PLACE, help="remove the link", code="outside-repository")
    with writing(_PLACE, "`specguard baseline --check --output-format json` prints what it would be"):
        if recording.after and (recording.before is None or recording.changes):
            os.makedirs(folder, exist_ok=True)
            replace_file(file, recording.after.text())
        elif not recording.after and recording.before is not None:
            os.unlink(file)


def _said(recording: Recording, *, check: bool) -> Iterator[str]:
    first, after = recording.before is None, recording.after
    if not first:
        yield from _cut(
            [
                f"{entry.code} {cut_path(path_text(entry.path))}: {entry.after or 'none'}"
                + (f" instead of {entry.before}" if entry.before else "")
                for entry in recording.changes
            ]
        )
    yield from _cut(
        [
            f"{entry.code} {cut_path(path_text(entry.path))}: {entry.found} found, {entry.after} accepted"
            for entry in recording.beyond
        ]
    )
    if recording.beyond and not first:
        yield "what is found beyond that stays a finding; --grow accepts it"
    for result in recording.undecided:
        yield f"{result.code} could not be judged, and its counts stay as they were: {result.reason}"
    errors = sum(sum(paths.values()) for paths in after.counts.values())
    files = len({path for paths in after.counts.values() for path in paths})
    accepted = f"{counted(errors, 'error')} in {counted(files, 'file')}"
    if not after and first:
        yield "there is nothing to accept: no baseline is needed"
    elif not after:
        yield f"{_PLACE} is not needed any more{'' if check else ', and is removed'}"
    elif check and first:
        yield f"there is no baseline; one would accept {accepted}"
    elif check:
        yield f"{_PLACE} {'could accept less' if recording.changes else 'is as it should be'}: {accepted}"
    elif first or recording.changes:
        for code, paths in after.counts.items() if first else ():
            yield f"{code}: {counted(sum(paths.values()), 'error')} in {counted(len(paths), 'file')}"
        yield f"{_PLACE} is written: it accepts {accepted}, once it is on the base branch"
    else:
        yield f"{_PLACE} stays as it is: it accepts {accepted}"


def _cut(lines: Sequence[str]) -> list[str]:
    if len(lines) <= SHOWN:
        return list(lines)
    return [*lines[:SHOWN], f"and {len(lines) - SHOWN} more; --output-format json has them all"]


def _recorded(recording: Recording, *, written: bool) -> dict[str, Any]:
    return {
        "path": _PLACE,
        "written": written and bool(recording.changes),
        "needed": bool(recording.after),
        "entries": [
            {**{name: getattr(entry, name) for name in _ENTRY}, "path": path_text(entry.path)}
            for entry in recording.entries
        ],
        "undecided": [{"code": result.code, "reason": result.reason} for result in recording.undecided],
    }


_ENTRY: Final = ("code", "path", "before", "after", "found")
