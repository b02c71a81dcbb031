"""`specguard baseline`: record the findings that a repository has, so that it can begin with them."""

from __future__ import annotations

import os

import click

from specguard.change.change import BASELINE
from specguard.change.request import Request
from specguard.cli.files import replace_file
from specguard.cli.options import counted, in_directory
from specguard.engine.baseline import Entry, Recording, record
from specguard.errors import SpecguardError
from specguard.model import EXIT_FAILED, EXIT_NO_VERDICT, EXIT_PASSED, path_text
from specguard.reporters.escape import cut, cut_path, json_text, visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, Final

SHOWN: Final = 20
"""How many lines of a kind are printed before the rest is counted."""

_PLACE: Final = path_text(BASELINE)


@click.command("baseline", short_help="Record existing findings.")
@in_directory
@click.option("--grow", is_flag=True, help="Also accept what is not recorded yet.")
@click.option("--check", "check", is_flag=True, help="Write nothing; end with 1 if it could shrink.")
@click.option("--strict", is_flag=True, help="Count warnings as errors.")
@click.option("--today", metavar="DATE", default="", help="Judge as of this UTC date.")
@click.option("--output-format", type=click.Choice(("text", "json")), default="text", help="What is printed.")
def command(directory: str, grow: bool, check: bool, strict: bool, today: str, output_format: str) -> int:
    """Record in .specguard/baseline.json how many errors each file has of each rule.

    Checks accept what it records (rules SPC, ART, PLN, CNT and CFG) once it is on the base branch. It only
    shrinks, except with --grow.
    """
    if grow and check:
        raise SpecguardError(
            "--grow does not go with --check, which writes nothing", help="leave one out", code="usage"
        )
    request = Request(environment=os.environ, directory=directory, today=today, strict=strict, all=True)
    recording = record(request, grow=grow)
    if not check:
        _write(recording)
    if output_format == "json":
        click.echo(json_text(_data(recording, written=not check)))
    else:
        for line in _said(recording, check=check):
            click.echo(visible(cut(line)))
    if any(result.incomplete for result in recording.undecided):
        return EXIT_NO_VERDICT
    if check and recording.before is not None and (recording.changes or not recording.after):
        return EXIT_FAILED
    return EXIT_PASSED


def _write(recording: Recording) -> None:
    """Write the baseline in place of the old one; one that accepts nothing is taken away."""
    after = recording.after
    file = os.path.join(recording.top, os.fsdecode(BASELINE))
    folder = os.path.dirname(file)
    try:
        if os.path.islink(folder) or os.path.islink(file):
            raise SpecguardError(
                "it is reached through a symbolic link",
                path=_PLACE,
                help="remove the link",
                code="outside-repository",
            )
        if not after:
            if recording.before is not None:
                os.unlink(file)
            return
        if recording.before is not None and not recording.changes:
            return
        os.makedirs(folder, exist_ok=True)
        replace_file(file, after.text())
    except OSError as error:
        raise SpecguardError(
            f"it cannot be written: {error.strerror}",
            path=_PLACE,
            help="`specguard baseline --check --output-format json` prints what it would be",
            code="unwritable-file",
        ) from error


def _said(recording: Recording, *, check: bool) -> Iterator[str]:
    first = recording.before is None
    if not first:
        yield from _cut([_change(entry) for entry in recording.changes])
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
    after = recording.after
    errors = sum(sum(paths.values()) for paths in after.counts.values())
    files = len({path for paths in after.counts.values() for path in paths})
    accepted = f"{counted(errors, 'error')} in {counted(files, 'file')}"
    if not after:
        if first:
            yield "there is nothing to accept: no baseline is needed"
        else:
            yield f"{_PLACE} is not needed any more" + ("" if check else ", and is removed")
    elif check and first:
        yield f"there is no baseline; one would accept {accepted}"
    elif check:
        yield f"{_PLACE} {'could accept less' if recording.changes else 'is as it should be'}: {accepted}"
    elif first or recording.changes:
        if first:
            for code, paths in after.counts.items():
                yield f"{code}: {counted(sum(paths.values()), 'error')} in {counted(len(paths), 'file')}"
        yield f"{_PLACE} is written: it accepts {accepted}, once it is on the base branch"
    else:
        yield f"{_PLACE} stays as it is: it accepts {accepted}"


def _change(entry: Entry) -> str:
    now = "none" if not entry.after else str(entry.after)
    instead = f" instead of {entry.before}" if entry.before else ""
    return f"{entry.code} {cut_path(path_text(entry.path))}: {now}{instead}"


def _cut(lines: Sequence[str]) -> list[str]:
    if len(lines) <= SHOWN:
        return list(lines)
    return [*lines[:SHOWN], f"and {len(lines) - SHOWN} more; --output-format json has them all"]


def _data(recording: Recording, *, written: bool) -> dict[str, Any]:
    return {
        "path": _PLACE,
        "written": written and bool(recording.changes),
        "needed": bool(recording.after),
        "entries": [
            {
                "code": entry.code,
                "path": path_text(entry.path),
                "before": entry.before,
                "after": entry.after,
                "found": entry.found,
            }
            for entry in recording.entries
        ],
        "undecided": [{"code": result.code, "reason": result.reason} for result in recording.undecided],
    }
