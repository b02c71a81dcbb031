"""`specguard approve`, `approvals` and `baseline`: accept findings, and show the records of acceptance."""

from __future__ import annotations

import os
import shlex
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import click

from specguard.approvals.granting import add_signature, refusal, revoke
from specguard.approvals.log_verification import Logbook, LoggedRecord, Verification
from specguard.approvals.record import Approval, path_data
from specguard.change.change import BASELINE
from specguard.change.check_request import Request
from specguard.change.git import Git
from specguard.cli import options as opt
from specguard.cli.options import at_root, say, say_each, show
from specguard.engine.baseline import Recording, counts_text, record
from specguard.engine.check import check
from specguard.engine.facts import Clock
from specguard.engine.trusted_policy import open_policy
from specguard.model import EXIT_FAILED, EXIT_NO_VERDICT, EXIT_PASSED, counted, path_text
from specguard.reporters import text, wording
from specguard.reporters.escape import cut, text_lines
from specguard.reporters.file_writing import path_in_tree, replace_file, writing
from specguard.reporters.json import fields_of, report

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from specguard.model import Verdict


_KEY_HELP = "The SSH key, or its `.pub` file for ssh-agent."
_key = opt.file("--key", help=_KEY_HELP)
_record_options = opt.combine(click.argument("name", metavar="ID"), opt.base)


class _Group(opt.GroupInDirectory):
    """A click group that runs `list` if no subcommand is named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        has_name = bool(args) and (not args[0].startswith("-") or args[0] in ctx.help_option_names)
        if not has_name and not ctx.resilient_parsing:
            args = ["list", *args]
        return super().parse_args(ctx, args)


@click.group("approvals", cls=_Group)
def command() -> None:
    """Show the log of approvals, verify it, revoke an approval, or sign one.

    Without a command it lists them. ID is a record's id, or its first 7 digits or more.
    """


@contextmanager
def _open_logbook(base: str) -> Iterator[Logbook]:
    request = Request(environment=os.environ, base=base)
    with Git(opt.find_repository()) as git:
        book = Logbook(git, open_policy(request), Clock(request.today).now())
        yield book
        if broken := book.uses.broken:
            say(f"note: no decisions in the log of decisions: {counted(broken, 'line')}", err=True)


@command.command("list", short_help="List the approvals, and where each was used.", json=True)
@opt.base
@opt.flag("--all", "ended", help="Include ended ones; JSON always does.")
def list_(base: str, ended: bool, output_format: str) -> None:
    """List the approvals: who gave them, for what, why, until when, and where used."""
    with _open_logbook(base) as book:
        if output_format == "text":
            # The lines need fewer records, and examining one verifies its signature.
            approvals = book.approvals(ended=ended)
            show(output_format, None, text_lines("approvals.txt", log=book.log, approvals=approvals))
            return
        revocations = [book.examine(filed) for filed, _ in book.log.revocations]
        show(output_format, _log_data(book, [*book.approvals(), *revocations]), ())


@command.command("show", json=True)
@_record_options
def show_(name: str, base: str, output_format: str) -> None:
    """Show a record, where it is, who signed it, and where it was used."""
    with _open_logbook(base) as book:
        logged = book.examine(book.find_record(name))
        show(output_format, _log_data(book, [logged]), _record_lines(logged))


@command.command("verify", short_help="Find records that are not as they were made.", json=True)
@opt.base
def verify(base: str, output_format: str) -> int:
    """Find edited, renamed, removed, forged, copied and incomplete records.

    It ends with 1 if it finds any.
    """
    with _open_logbook(base) as book:
        outcome = Verification(book)
        top = shlex.quote(book.work_tree) if book.work_tree and at_root() else ""
        lines = text_lines("verification.txt", outcome=outcome, top=top)
        show(output_format, _verification_data(outcome), lines)
    return EXIT_FAILED if outcome.problems else EXIT_PASSED


@command.command("revoke", json=True)
@_record_options
@opt.text("--approved-by", metavar="WHO", required=True, help="The approver who revokes it.")
@opt.text("--reason", metavar="TEXT", required=True, help="Why.")
@_key
def revoke_(name: str, base: str, output_format: str, **words: str) -> None:
    """End an approval early, for ever. An unsigned revocation counts too."""
    with _open_logbook(base) as book:
        filed, paths = revoke(book, name, **words)
    _report_written(f"approval {filed.id[:12]} is revoked", filed.id, paths, output_format)


@command.command("sign", json=True)
@_record_options
@opt.file("--key", required=True, help=_KEY_HELP)
def sign(name: str, base: str, key: str, output_format: str) -> None:
    """Sign an unsigned record as its approver, after showing its text."""
    with _open_logbook(base) as book:
        filed = book.find_record(name)
        # The person must see the text first, since somebody else may have written it.
        say_each(_record_lines(book.examine(filed)), err=output_format == "json")
        path = add_signature(book, filed, key)
    _report_written(f"{filed.id[:12]} is signed", filed.id, [path], output_format)


def _report_written(message: str, name: str, paths: Sequence[str], output_format: str) -> None:
    step = f"next git add -f {shlex.quote(at_root() + paths[0].removesuffix('.sig') + '*')} && git commit"
    data = {"schema": SCHEMA, "id": name, "written": list(paths)}
    show(output_format, data, [f"{message}: {' and '.join(paths)}", step])


SCHEMA: Final = "specguard.approvals/1"
"""The schema name of the log's JSON; fields are only added to it."""


def _record_lines(logged: LoggedRecord) -> Iterator[str]:
    """Yield the lines of one record: every field, its state, and its proof."""
    data = _record_data(logged)
    fields = data.pop("record")
    yield f"{'revocation' if fields['kind'] == 'revoke' else 'approval'} {logged.filed.id}"
    for name, value in {**fields_of(logged, "state", "reasons"), **fields, **data}.items():
        for at, one in enumerate(value if isinstance(value, list) else [value]):
            pairs = one.items() if isinstance(one, dict) else [(name, one)]
            words = [key if word is True else str(word) for key, word in pairs if word]
            if words and name not in ("schema", "kind", "id"):
                yield f"  {'' if at else name:<12} {' '.join(words)}"


def _log_data(book: Logbook, records: Sequence[LoggedRecord]) -> dict[str, Any]:
    """Return records of a log as JSON data."""
    return {
        "schema": SCHEMA,
        "folder": path_text(book.log.folder),
        "approvals": [_record_data(one) for one in records if isinstance(one.filed.record, Approval)],
        "revocations": [_record_data(one) for one in records if not isinstance(one.filed.record, Approval)],
        "broken": [{**path_data(one.path), **fields_of(one, "reason", "place")} for one in book.log.broken],
    }


def _verification_data(outcome: Verification) -> dict[str, Any]:
    """Return the problems of a log as JSON data."""
    return {
        "schema": SCHEMA,
        "folder": path_text(outcome.book.log.folder),
        "holds": not outcome.problems,
        "records": len(outcome.book.log.filed),
        "problems": [
            {**path_data(path), "reason": reason, "help": step} for path, reason, step in outcome.problems
        ],
        "notes": outcome.notes,
    }


def _record_data(logged: LoggedRecord) -> dict[str, Any]:
    return {
        "id": logged.filed.id,
        **path_data(logged.filed.path),
        **fields_of(logged, "state", "reasons", "proof"),
        "key": logged.key or None,
        "places": [place for place in ("base", "head", "local") if place in logged.filed.places],
        "revoked_by": [filed.id for filed, _ in logged.revocations],
        "uses": list(logged.uses),
        "record": dict(logged.filed.record.data),
    }


@opt.command("approve", json=True)
@click.argument("rules", nargs=-1, metavar="[RULE]...")
@opt.approval
@_key
@opt.what_is_judged
@opt.floor
def approve_command(rules: tuple[str, ...], output_format: str, **options: Any) -> None:
    """Show the findings that an approval could lift, or approve those of RULE.

    With --reason it approves the findings of RULE in --path, only for this content. Commit the approval with
    the change.
    """
    approving = bool(options["reason"] or options["approved_by"])
    if options["push"]:
        raise refusal("an approval is for one change, and a push may bring several", "name a branch")
    if approving and not rules:
        raise refusal("an approval names the rules that it is for", "`specguard approve` lists them")
    # Without a reason or an approver, RULE only selects the findings to show.
    selection: dict[str, Any] = {"override" if approving else "select": rules}
    (verdict,) = check(Request(environment=os.environ, **selection, **options)) or (None,)
    if verdict is None:
        raise refusal("there is no change to approve", "name a branch that is there")
    lines = [*([] if approving else _approvable_lines(verdict)), *(f"note: {note}" for note in verdict.notes)]
    show(output_format, _approvable_data(verdict, written=approving), lines)


def _approvable_lines(verdict: Verdict) -> Iterator[str]:
    """Return the change's fingerprint, open errors with theirs and their approvers, and undecided rules."""
    found = ((result, [one for one in result.findings if one.is_open_error]) for result in verdict.results)
    errors = [(result, some) for result, some in found if some]
    return text_lines("approvable.txt", verdict=verdict, errors=errors, said=text, wording=wording)


def _approvable_data(verdict: Verdict, *, written: bool) -> Mapping[str, Any]:
    """Return as JSON data the open errors that can be approved, those that cannot, and what was written."""
    data = report(verdict)
    approvers = {result.code: list(result.approvers) for result in verdict.results}
    errors = [one for one in data["findings"] if one["state"] == "open" and one["severity"] == "error"]
    return {
        "schema": "specguard.approve/1",
        "change": data["change"],
        "policy_id": data["authority"]["policy_id"],
        "approvable": [
            {**one, "approvers": approvers[one["code"]]} for one in errors if approvers[one["code"]]
        ],
        "not_approvable": [one for one in errors if not approvers[one["code"]]],
        "written": data["notes"] if written else [],
    }


_BASELINE_PATH: Final = path_text(BASELINE)


@opt.command("baseline", json=True)
@opt.flag("--grow", help="Also accept what is not recorded yet.")
@opt.flag("--strict", help="Count warnings as errors.")
@opt.today
def baseline_command(grow: bool, strict: bool, today: str, output_format: str) -> int:
    """Record in .specguard/baseline.json how many errors each file has of each rule.

    Checks accept what it records (rules SPC, ART, PLN, CNT, CFG and RUN007) once it is on the base branch. It
    only shrinks, except with --grow.
    """
    recording = record(Request(environment=os.environ, today=today, strict=strict, all=True), grow=grow)
    if recording.outdated:
        _write_baseline(recording)
    show(output_format, _baseline_data(recording), (cut(line) for line in _baseline_lines(recording)))
    return EXIT_NO_VERDICT if any(result.incomplete for result in recording.undecided) else EXIT_PASSED


def _write_baseline(recording: Recording) -> None:
    """Replace the baseline by the new one; remove the file if the new one accepts nothing."""
    file = path_in_tree(recording.top, _BASELINE_PATH, "remove the link")
    if recording.after:
        replace_file(file, counts_text(recording.after), writing(_BASELINE_PATH), with_folder=True)
    else:
        with writing(_BASELINE_PATH):
            os.unlink(file)


def _baseline_lines(recording: Recording) -> Iterator[str]:
    changed = [one for one in recording.entries if one.before != one.after or (one.found or 0) > one.after]
    return text_lines("baseline.txt", recording=recording, changed=changed, file=_BASELINE_PATH)


def _baseline_data(recording: Recording) -> dict[str, Any]:
    return {
        "path": _BASELINE_PATH,
        "written": recording.outdated,
        "needed": bool(recording.after),
        "entries": [
            {**fields_of(entry, "code", "path", "before", "after", "found"), "path": path_text(entry.path)}
            for entry in recording.entries
        ],
        "undecided": [fields_of(result, "code", "reason") for result in recording.undecided],
    }
