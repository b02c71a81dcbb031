"""`check --fix`: fix findings whose rules propose a fix, after showing each fix."""

from __future__ import annotations

import difflib
import os
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from typing import Final, TextIO

from specguard.change.check_request import Request
from specguard.change.repository import Repository, short_name
from specguard.cli.checking import Reports, judge
from specguard.declaration.look_alikes import shell_word
from specguard.engine.fixing import Proposal
from specguard.errors import SpecguardError
from specguard.model import path_text
from specguard.reporters.escape import visible
from specguard.reporters.file_writing import replace_file, writing

_AMEND: Final = ("commit", "--amend", "--only", "--allow-empty", "--cleanup=verbatim", "--file=-")
"""Options that leave staged files out of the commit, and keep message lines that look like comments."""

_OPERATIONS: Final = ("rebase-merge", "rebase-apply", "MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD")
"""What git leaves in its folder while it does something, whose name each begins with."""


def fix_and_judge(request: Request, reports: Reports, *, yes: bool) -> int:
    """Judge, show the proposed fixes, apply those that are confirmed, judge again, and report.

    With `request.dry_run` fixes are only shown. With `yes` all are applied; otherwise a person confirms each
    one on a terminal.

    Args:
        request: the request to judge.
        reports: the reports of the second judgement.
        yes: True to apply all fixes without asking.

    Raises:
        SpecguardError: no verdict is possible, or a confirmed fix could not be applied.
    """
    from specguard.engine.check import check

    stream = sys.stdout if reports.stdout_format == "text" else sys.stderr
    try:
        verdicts = check(request, needs={"fixes"})
    except SpecguardError:
        # The second judgement raises the same error, and its reports say so.
        verdicts = []
    if proposals := [proposal for verdict in verdicts for proposal in verdict.fixes]:
        _Fixer(request, stream, yes=yes).fix(proposals)
    elif any(verdict.findings for verdict in verdicts):
        print("nothing here can be put right without a person's thought\n", file=stream)
    stream.flush()
    return judge(request, reports)


class _Fixer:
    """A dialogue that shows fixes in one repository, asks for confirmation, and applies them.

    Args:
        request: the request that was judged.
        stream: the stream on which fixes are shown.
        yes: True to apply all fixes without asking.
    """

    def __init__(self, request: Request, stream: TextIO, *, yes: bool) -> None:
        self._request = request
        self._stream = stream
        self._yes = yes
        self._repository = Repository.locate(request.directory, request.environment)
        # Ask only if a person sees the question and can answer it.
        self._can_ask = sys.stdin.isatty() and stream.isatty()

    def fix(self, proposals: list[Proposal]) -> None:
        """Show each fix, and apply it if it is possible and confirmed.

        Raises:
            SpecguardError: a fix could not be applied, and has changed nothing.
        """
        skipped = 0
        for proposal in proposals:
            problem = proposal.refusal or self._problem(proposal)
            for line in self._preview(proposal, problem):
                print(visible(line), file=self._stream)
            if not problem and not self._request.dry_run:
                if self._is_confirmed():
                    self._apply(proposal)
                    print("  done", file=self._stream)
                else:
                    skipped += 1
            print(file=self._stream)
        if skipped and not self._can_ask:
            print("nothing of this was done: add --yes, or answer on a terminal\n", file=self._stream)

    def _is_confirmed(self) -> bool:
        if self._yes or not self._can_ask:
            return self._yes
        print("  do this? [y/N] ", end="", file=self._stream, flush=True)
        return sys.stdin.readline().strip().lower() in ("y", "yes")

    def _preview(self, proposal: Proposal, problem: str) -> Iterator[str]:
        """Yield the preview of a fix: a summary, the command, and the diff."""
        codes, name = ", ".join(proposal.codes), path_text(proposal.name)
        if proposal.kind == "branch":
            yield f"fix ({codes}): rename the branch {name} to {path_text(proposal.after)}"
            command = f"git branch -m {shell_word(proposal.before)} {shell_word(proposal.after)}"
        elif proposal.kind == "message":
            yield f"fix ({codes}): reword the newest commit, {name[:12]}"
            command = f"git {' '.join(_AMEND)}"
        else:
            judges_files = self._request.staged or self._request.worktree
            when = "" if judges_files else ", which counts once you commit it"
            yield f"fix ({codes}): edit {name}{when}"
            command = f"git add -- {shell_word(b':/' + proposal.name)}" if self._request.staged else ""
        if problem:
            yield f"  not possible: {problem}"
            return
        if command:
            yield f"  {command}"
        if proposal.kind != "branch":
            label = name if proposal.kind == "file" else "message"
            before, after = (
                list(StringIO(one.decode("utf-8", "backslashreplace"), newline="\n"))
                for one in (proposal.before, proposal.after)
            )
            for line in difflib.unified_diff(before, after, label, label, n=2):
                yield f"  {line.rstrip(chr(10))}"

    def _apply(self, proposal: Proposal) -> None:
        # The state may have changed while the user read the preview.
        if problem := self._problem(proposal):
            raise SpecguardError(f"it was not done: {problem}", help="run specguard check --fix again")
        if proposal.kind == "branch":
            self._run_git("branch", "-m", "--", os.fsdecode(proposal.before), os.fsdecode(proposal.after))
        elif proposal.kind == "message":
            self._run_git(*_AMEND, stdin=proposal.after)
        else:
            place = self._file_path(proposal)
            report = writing(path_text(place), "make it writable")
            replace_file(os.fsdecode(place), proposal.after, report)
            if self._request.staged:
                try:
                    self._run_git("--literal-pathspecs", "add", "--", place)
                except SpecguardError:
                    replace_file(os.fsdecode(place), proposal.before, report)
                    raise

    def _run_git(self, *arguments: str | bytes, stdin: bytes = b"") -> None:
        """Run git in the user's environment, with the repository's own hooks and configuration."""
        words, environment = [self._repository.program, *arguments], dict(self._request.environment)
        result = subprocess.run(words, env=environment, input=stdin, capture_output=True, check=False)
        if result.returncode:
            reason = " ".join(result.stderr.decode(errors="replace").split()) or f"code {result.returncode}"
            help = "nothing of this was done; put right what git names, and try again"
            raise SpecguardError(f"git refused it: {reason}", help=help, code="git-failed")

    def _problem(self, proposal: Proposal) -> str:
        """Return the reason why a fix cannot be applied now, as a clause; empty if it can."""
        if proposal.kind == "file":
            return self._file_problem(proposal)
        for name in _OPERATIONS:
            if os.path.exists(os.path.join(self._repository.git_dir, name)):
                what = name.partition("-")[0].removesuffix("_HEAD").lower().replace("_", "-")
                return f"a {what} is under way"
        # The state may be another one than at the last look.
        repository = Repository.locate(self._request.directory, self._request.environment)
        if proposal.kind == "message":
            return _commit_problem(repository, path_text(proposal.name))
        return _branch_problem(repository, os.fsdecode(proposal.before), os.fsdecode(proposal.after))

    def _file_problem(self, proposal: Proposal) -> str:
        place = self._file_path(proposal)
        if os.path.realpath(place) != place:
            return "it is a link, or in a folder that is one"
        try:
            with open(place, "rb") as stream:
                present = stream.read()
        except OSError as error:
            return f"it cannot be read: {error.strerror}"
        return "" if present == proposal.before else "the working tree's file is not the one that was judged"

    def _file_path(self, proposal: Proposal) -> bytes:
        """Return the absolute path of the file to edit."""
        return os.path.join(os.path.realpath(os.fsencode(self._repository.work_tree())), proposal.name)


def _commit_problem(repository: Repository, oid: str) -> str:
    if repository.head != oid or not repository.branch:
        return "it is not the newest commit of the branch that is checked out"
    refs = _refs(repository, f"--contains={oid}", "refs/heads/", "refs/remotes/", "refs/tags/")
    others = [name for name in refs if name not in ("", repository.branch)]
    return f"{short_name(others[0])} has it already" if others else ""


def _branch_problem(repository: Repository, old: str, new: str) -> str:
    if repository.branch != f"refs/heads/{old}":
        return "it is not the branch that is checked out"
    if repository.spawn("check-ref-format", "--branch", new).wait():
        return f"git takes no branch of the name {new}"
    # A remote's name may have slashes, so this may find too many pushed branches, but never too few.
    for ref in _refs(repository, "refs/heads", "refs/remotes"):
        remote = ref.startswith("refs/remotes/")
        if remote and ref.endswith(f"/{old}"):
            return f"it is pushed already, as {short_name(ref)}"
        if ref == f"refs/heads/{new}" or (remote and ref.endswith(f"/{new}")):
            return f"there is a branch {short_name(ref)} already"
    settings = dict(repository.settings(r"^branch\..*\.(remote|merge)$"))
    remote_name = settings.get(f"branch.{old}.remote", "")
    pushed = settings.get(f"branch.{old}.merge") == f"refs/heads/{old}" and remote_name != "."
    return f"it was pushed to {remote_name}" if pushed else ""


def _refs(repository: Repository, *words: str) -> list[str]:
    return os.fsdecode(repository.spawn("for-each-ref", "--format=%(refname)", *words).drain()).split("\n")
