"""What is wrong in a file: an authority's errors and what was not read of it, an artifact's findings."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, cast

from specguard.authority.compile import compile_policy
from specguard.authority.load import DEFAULTS, Source, decode, read_source
from specguard.change.repository import Repository
from specguard.change.request import Request
from specguard.declaration.rule import Record
from specguard.engine.check import check
from specguard.engine.plugins import known_rules
from specguard.engine.policies import open_policy
from specguard.errors import SpecguardError
from specguard.evaluation.own import WorkingFiles
from specguard.reporters.escape import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from specguard.authority.policy import Unread
    from specguard.change.tree import Tree
    from specguard.model import Judged, Origin, Severity

_FAMILIES: Final = ("ART", "SPC", "PLN")
"""The rules whose findings a writer of documents can act on while writing."""

_MOST: Final = 500
_EXPLAINS: Final = frozenset({"prose", "hidden", "list"})


class Flaw(Record):
    """Something that is wrong in a file.

    Attributes:
        message: what, and what to do next.
        line: its first line, from 1; 0: the whole file.
        end_line: its last line.
        severity: how bad it is.
        code: the rule's code; empty for what is wrong with an authority.
    """

    message: str
    line: int
    end_line: int
    severity: Severity
    code: str = ""


class Place:
    """Where a file is.

    Args:
        file: its absolute path, without links.

    Attributes:
        root: the root of its working tree.
        path: its path from there, as git has it.

    Raises:
        SpecguardError: it is in no working tree.
    """

    def __init__(self, file: str) -> None:
        self.root = os.path.realpath(Repository.locate(os.path.dirname(file), os.environ).work_tree())
        self.path = os.path.relpath(file, self.root)


def is_authority(place: Place) -> bool:
    """Whether a file is a document of the authority: by its name, or as the trusted base has it."""
    if place.path in DEFAULTS:
        return True
    try:
        policy = open_policy(Request(environment=os.environ, directory=place.root))
    except SpecguardError:
        return False
    return place.path in dict(policy.documents)


def authority_flaws(place: Place, text: Callable[[str], str | None]) -> list[Flaw]:
    """What is wrong in a document of the authority, as it stands in the editor.

    Args:
        place: the document.
        text: an open file's text, by its absolute path; None where it is not open.
    """
    files = cast("Tree", WorkingFiles(place.root))

    def read(path: str, named_by: Origin | None = None) -> Source:
        shown = text(os.path.join(place.root, path))
        if shown is not None:
            return Source(path, "", decode(shown.encode(), path))
        return read_source(files, path, named_by)

    def further(path: str, named_by: Origin) -> Source:
        try:
            return read(path, named_by)
        except SpecguardError as error:
            if path == place.path or error.path == named_by.path:
                raise
            # Whoever looks at the document that names it is to see that nothing is read of it.
            raise SpecguardError(
                f"{path}: {error.message}",
                help=error.help,
                path=named_by.path,
                line=named_by.line,
                code=error.code,
            ) from error

    try:
        found = [path for path in DEFAULTS if os.path.isfile(os.path.join(place.root, path))]
        # The plugins that the text names are not imported, but those that the trusted base does.
        policy = compile_policy(
            [read(path) for path in found], registry=lambda _: known_rules(place.root), read=further
        )
    except SpecguardError as error:
        return [
            Flaw(
                message=_said(one.message, one.help),
                line=one.line or 0,
                end_line=one.line or 0,
                severity="error",
            )
            for one in error.each()[:_MOST]
            if one.path == place.path
        ]
    unread = policy.unread if policy is not None else ()
    return [_of_unread(one) for one in unread[:_MOST] if one.path == place.path]


def artifact_flaws(place: Place) -> list[Flaw]:
    """What the rules about artifacts, specs and plans find in a file of the working tree, as it was saved.

    Raises:
        SpecguardError: nothing can be judged here.
    """
    policy = open_policy(Request(environment=os.environ, directory=place.root))
    asked = [rule.code for rule in policy.rules if rule.active and rule.code.startswith(_FAMILIES)]
    if not asked:
        return []
    request = Request(environment=os.environ, directory=place.root, worktree=True, all=True, select=asked)
    path = place.path.encode("utf-8", "surrogateescape")
    found = (judged for verdict in check(request) for judged in verdict.findings)
    return [_of_finding(one) for one in _open_ones(found, path)][:_MOST]


def _open_ones(found: Iterator[Judged], path: bytes) -> Iterator[Judged]:
    return (one for one in found if one.state == "open" and one.finding.path == path)


def _of_finding(judged: Judged) -> Flaw:
    finding = judged.finding
    said = _said(finding.message, finding.help)
    return Flaw(
        message=f"{said} ({visible(str(judged.authority))})" if judged.authority else said,
        line=finding.line or 0,
        end_line=finding.end_line or finding.line or 0,
        severity=judged.severity,
        code=judged.code,
    )


def _of_unread(one: Unread) -> Flaw:
    return Flaw(
        message=f"not understood: {visible(one.reason)}",
        line=one.line,
        end_line=one.line,
        severity="info" if one.meaning in _EXPLAINS else "warning",
    )


def _said(message: str, help: str) -> str:
    return visible(message) + (f"\n{visible(help)}" if help else "")
