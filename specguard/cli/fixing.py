"""`check --fix`: putting right what its rules can say how to, each thing shown before it is done."""

from __future__ import annotations

import difflib
import os
import sys

from specguard.cli.fixable import Here
from specguard.cli.judge import judge
from specguard.errors import SpecguardError
from specguard.model import path_text
from specguard.reporters.escape import visible
from specguard.reporters.wording import shell_word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final, TextIO

    from specguard.change.request import Request
    from specguard.engine.fixing import Proposal

_AMEND: Final = ("commit", "--amend", "--only", "--allow-empty", "--cleanup=verbatim", "--file=-")
"""Nothing that is staged goes into the commit, and no line of the message is taken for a comment."""


def fix(
    request: Request,
    *,
    yes: bool,
    output_format: str = "text",
    outputs: Sequence[tuple[str, str]] = (),
    explain: bool = False,
    statistics: bool = False,
) -> int:
    """Judge, show what would put findings right, do what is agreed to, judge again, and report.

    With `request.dry_run` it is shown alone. What is given is the same as for `judge`, with `yes` for whether
    all of it is agreed to: else a person is asked on a terminal.

    Raises:
        SpecguardError: there is no verdict, or something that was agreed to could not be done.
    """
    from specguard.engine.check import check

    shown = sys.stdout if output_format == "text" else sys.stderr
    try:
        verdicts = check(request, needs={"fixes"})
    except SpecguardError:
        # There is no verdict, which every report says.
        verdicts = []
    fixer = _Fixer(request, shown) if any(verdict.fixes for verdict in verdicts) else None
    if fixer is not None:
        for verdict in verdicts:
            for proposal in verdict.fixes:
                fixer.put_right(proposal, yes=yes)
        fixer.conclude()
    elif verdicts:
        print("nothing here can be put right without a person's thought\n", file=shown)
    shown.flush()
    return judge(
        request, output_format=output_format, outputs=outputs, explain=explain, statistics=statistics
    )


class _Fixer:
    """Shows what would be done in one repository, asks, and does it.

    Args:
        request: what was judged.
        shown: where it is shown.
    """

    def __init__(self, request: Request, shown: TextIO) -> None:
        self._request = request
        self._shown = shown
        self._here = Here(request)
        # A question that nobody sees is answered by nobody.
        self._asks = sys.stdin.isatty() and shown.isatty()
        self._left = 0
        self._uncommitted = 0

    def put_right(self, proposal: Proposal, *, yes: bool) -> None:
        """Show one thing, and do it where it may be done and is agreed to.

        Raises:
            SpecguardError: it could not be done; then nothing of it is.
        """
        problem = proposal.refused or self._here.problem(proposal)
        for line in self._lines(proposal, problem):
            print(visible(line), file=self._shown)
        if not problem and not self._request.dry_run:
            if yes or self._agreed():
                # What was looked at may have changed while somebody read.
                problem = self._here.problem(proposal)
                if problem:
                    raise SpecguardError(
                        f"it was not done: {problem}", help="run specguard check --fix again"
                    )
                self._apply(proposal)
                print("  done", file=self._shown)
            else:
                self._left += 1
        print(file=self._shown)

    def conclude(self) -> None:
        """Say what is left to do."""
        if self._left and not self._asks:
            print("nothing of this was done: add --yes, or answer on a terminal\n", file=self._shown)
        if self._uncommitted:
            print("what was written is in the working tree, and not committed yet\n", file=self._shown)

    def _agreed(self) -> bool:
        if not self._asks:
            return False
        print("  do this? [y/N] ", end="", file=self._shown, flush=True)
        return sys.stdin.readline().strip().lower() in ("y", "yes")

    def _lines(self, proposal: Proposal, problem: str) -> Iterator[str]:
        """What would be done: a sentence, the command, and what differs."""
        codes = ", ".join(proposal.codes)
        name = path_text(proposal.name)
        if proposal.kind == "branch":
            yield f"fix ({codes}): rename the branch {name} to {path_text(proposal.after)}"
            command = f"git branch -m {shell_word(proposal.before)} {shell_word(proposal.after)}"
        elif proposal.kind == "message" and name:
            yield f"fix ({codes}): reword the newest commit, {name[:12]}"
            command = f"git {' '.join(_AMEND)}"
        else:
            yield f"fix ({codes}): edit {name or self._request.message_file}"
            command = f"git add -- {shell_word(b':/' + proposal.name)}" if self._request.staged else ""
        if problem:
            yield f"  not possible: {problem}"
            return
        if command:
            yield f"  {command}"
        if proposal.kind != "branch":
            yield from _difference(proposal)

    def _apply(self, proposal: Proposal) -> None:
        if proposal.kind == "branch":
            self._do("branch", "-m", "--", os.fsdecode(proposal.before), os.fsdecode(proposal.after))
        elif proposal.kind == "message" and proposal.name:
            self._do(*_AMEND, given=proposal.after)
        elif proposal.kind == "message":
            content = self._here.message_file(proposal)
            if content is not None:
                _replace(os.fsencode(self._here.message_place), content)
        else:
            place = self._here.place(proposal)
            _replace(place, proposal.after)
            if self._request.staged:
                try:
                    self._do("--literal-pathspecs", "add", "--", place)
                except SpecguardError:
                    _replace(place, proposal.before)
                    raise
            elif not self._request.worktree:
                self._uncommitted += 1

    def _do(self, *arguments: str | bytes, given: bytes = b"") -> None:
        done = self._here.run(*arguments, given=given)
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip() or f"git ended with {done.returncode}"
            raise SpecguardError(
                f"git refused it: {said}",
                help="nothing of this was done; put right what git names, and try again",
                code="git-failed",
            )


def _difference(proposal: Proposal) -> Iterator[str]:
    name = path_text(proposal.name) if proposal.kind == "file" else "message"
    before, after = (
        one.decode("utf-8", "backslashreplace").split("\n") for one in (proposal.before, proposal.after)
    )
    for line in difflib.unified_diff(before, after, name, name, lineterm="", n=2):
        yield f"  {line}"


def _replace(place: bytes, content: bytes) -> None:
    """Write a file anew by a rename; its mode stays what it was.

    Raises:
        SpecguardError: it cannot be written; then it is as it was.
    """
    from specguard.cli.files import replace_bytes

    try:
        replace_bytes(os.fsdecode(place), content)
    except OSError as error:
        raise SpecguardError(
            f"it cannot be written: {error.strerror}",
            path=path_text(place),
            help="make it writable",
            code="unwritable-file",
        ) from error
