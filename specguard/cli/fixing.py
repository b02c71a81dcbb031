"""`check --fix`: fix findings whose rules propose a fix, after showing each fix."""

from __future__ import annotations

import difflib
import os
import subprocess
import sys

from specguard.change.repository import Repository, short_name
from specguard.change.uncommitted import message_path, rewrite, start_settings
from specguard.cli.checking import Reports, judge
from specguard.errors import SpecguardError
from specguard.model import path_text
from specguard.reporters.escape import visible
from specguard.reporters.file_writing import replace_file, writing
from specguard.reporters.wording import shell_word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final, TextIO

    from specguard.change.check_request import Request
    from specguard.engine.fixing import Proposal


_AMEND: Final = ("commit", "--amend", "--only", "--allow-empty", "--cleanup=verbatim", "--file=-")
"""Options that leave staged files out of the commit, and keep message lines that look like comments."""

_UNDER_WAY: Final = {
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase",
    "MERGE_HEAD": "a merge",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
}


def put_right(request: Request, reports: Reports, *, yes: bool) -> int:
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

    shown = sys.stdout if reports.form == "text" else sys.stderr
    try:
        verdicts = check(request, needs={"fixes"})
    except SpecguardError:
        # The second judgement raises the same error, and its reports say so.
        verdicts = []
    proposals = [proposal for verdict in verdicts for proposal in verdict.fixes]
    if proposals:
        _Fixer(request, shown, yes=yes).put_right(proposals)
    elif verdicts:
        print("nothing here can be put right without a person's thought\n", file=shown)
    shown.flush()
    return judge(request, reports)


class _Fixer:
    """Shows fixes in one repository, asks for confirmation, and applies them.

    Args:
        request: the request that was judged.
        shown: the stream on which fixes are shown.
        yes: True to apply all fixes without asking.
    """

    def __init__(self, request: Request, shown: TextIO, *, yes: bool) -> None:
        self._request = request
        self._shown = shown
        self._yes = yes
        self._repository = Repository.locate(request.directory, request.environment)
        # Ask only if a person sees the question and can answer it.
        self._asks = sys.stdin.isatty() and shown.isatty()

    def put_right(self, proposals: list[Proposal]) -> None:
        """Show each fix, and apply it if it is possible and confirmed.

        Raises:
            SpecguardError: a fix could not be applied, and has changed nothing.
        """
        left = 0
        for proposal in proposals:
            problem = proposal.refused or self._problem(proposal)
            for line in self._lines(proposal, problem):
                print(visible(line), file=self._shown)
            if not problem and not self._request.dry_run:
                if self._agreed():
                    self._do(proposal)
                    print("  done", file=self._shown)
                else:
                    left += 1
            print(file=self._shown)
        if left and not self._asks:
            print("nothing of this was done: add --yes, or answer on a terminal\n", file=self._shown)

    def _agreed(self) -> bool:
        if self._yes or not self._asks:
            return self._yes
        print("  do this? [y/N] ", end="", file=self._shown, flush=True)
        return sys.stdin.readline().strip().lower() in ("y", "yes")

    def _lines(self, proposal: Proposal, problem: str) -> Iterator[str]:
        """Yield the preview of a fix: a summary, the command, and the diff."""
        codes, name = ", ".join(proposal.codes), path_text(proposal.name)
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
            shown = name if proposal.kind == "file" else "message"
            before, after = (
                one.decode("utf-8", "backslashreplace").split("\n")
                for one in (proposal.before, proposal.after)
            )
            for line in difflib.unified_diff(before, after, shown, shown, lineterm="", n=2):
                yield f"  {line}"

    def _do(self, proposal: Proposal) -> None:
        # The state may have changed while the user read the preview.
        if problem := self._problem(proposal):
            raise SpecguardError(f"it was not done: {problem}", help="run specguard check --fix again")
        if proposal.kind == "branch":
            self._git("branch", "-m", "--", os.fsdecode(proposal.before), os.fsdecode(proposal.after))
        elif proposal.kind == "message" and proposal.name:
            self._git(*_AMEND, given=proposal.after)
        elif proposal.kind == "message":
            content = self._message_file(proposal)
            if content is not None:
                _replace(os.fsencode(self._message_place), content)
        else:
            place = self._place(proposal)
            _replace(place, proposal.after)
            if self._request.staged:
                try:
                    self._git("--literal-pathspecs", "add", "--", place)
                except SpecguardError:
                    _replace(place, proposal.before)
                    raise

    def _git(self, *arguments: str | bytes, given: bytes = b"") -> None:
        done = self._run(*arguments, given=given)
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip() or f"git ended with {done.returncode}"
            help = "nothing of this was done; put right what git names, and try again"
            raise SpecguardError(f"git refused it: {said}", help=help, code="git-failed")

    def _problem(self, proposal: Proposal) -> str:
        """Return the reason why a fix cannot be applied now, as a clause; empty if it can."""
        if proposal.kind == "file":
            return self._file_problem(proposal)
        if proposal.kind == "message" and not proposal.name:
            return "" if self._message_file(proposal) is not None else "the file has another message now"
        for name, what in _UNDER_WAY.items():
            if os.path.exists(os.path.join(self._repository.git_dir, name)):
                return f"{what} is under way"
        if proposal.kind == "message":
            return self._commit_problem(path_text(proposal.name))
        return self._branch_problem(proposal)

    def _file_problem(self, proposal: Proposal) -> str:
        place = self._place(proposal)
        if os.path.realpath(place) != place:
            return "it is a link, or in a folder that is one"
        try:
            with open(place, "rb") as stream:
                present = stream.read()
        except OSError as error:
            return f"it cannot be read: {error.strerror}"
        if present != proposal.before:
            return "the file in the working tree is another one than the one that was judged"
        return ""

    def _message_file(self, proposal: Proposal) -> bytes | None:
        """Return the new content of the message file; None if the file no longer has the judged message."""
        with open(self._message_place, "rb") as stream:
            raw = stream.read()
        return rewrite(raw, proposal.before, proposal.after, start_settings(self._repository))

    def _commit_problem(self, oid: str) -> str:
        branch = self._said("symbolic-ref", "-q", "HEAD")
        if self._said("rev-parse", "HEAD") != oid or not branch:
            return "it is not the newest commit of the branch that is checked out"
        others = [name for name in self._containing(oid) if name != branch]
        return f"{short_name(others[0])} has it already" if others else ""

    def _branch_problem(self, proposal: Proposal) -> str:
        old, new = os.fsdecode(proposal.before), os.fsdecode(proposal.after)
        if self._said("symbolic-ref", "-q", "HEAD") != f"refs/heads/{old}":
            return "it is not the branch that is checked out"
        if self._run("check-ref-format", "--branch", new).returncode:
            return f"git takes no branch of the name {new}"
        refs = self._said("for-each-ref", "--format=%(refname)", "refs/heads", "refs/remotes").split("\n")
        # A remote's name may have slashes, so this may find too many pushed branches, but never too few.
        for ref in refs:
            remote = ref.startswith("refs/remotes/")
            if remote and ref.endswith(f"/{old}"):
                return f"it is pushed already, as {short_name(ref)}"
            if ref == f"refs/heads/{new}" or (remote and ref.endswith(f"/{new}")):
                return f"there is a branch {short_name(ref)} already"
        merges = self._said("config", "--get", f"branch.{old}.merge")
        remote_of = self._said("config", "--get", f"branch.{old}.remote")
        if merges == f"refs/heads/{old}" and remote_of != ".":
            return f"it was pushed to {remote_of}"
        # A branch that was pushed under another name is shared too; commits that the base has do not count.
        containing = self._containing(self._said("rev-parse", "HEAD"))
        pushed = next((name for name in containing if name.startswith("refs/remotes/")), "")
        return (
            f"its newest commit is pushed already, as {short_name(pushed)}" if pushed and self._own() else ""
        )

    def _own(self) -> bool:
        """Return True if the branch has commits that the base does not have."""
        from specguard.change.base import find_base
        from specguard.change.git import Git

        with Git(self._repository) as git:
            found = find_base(git, self._request)
        if found is None or found.oid is None:
            return True
        return self._run("merge-base", "--is-ancestor", "HEAD", found.oid).returncode != 0

    def _containing(self, oid: str) -> list[str]:
        folders = ("refs/heads/", "refs/remotes/", "refs/tags/")
        said = self._said("for-each-ref", f"--contains={oid}", "--format=%(refname)", *folders)
        return said.split("\n") if said else []

    def _place(self, proposal: Proposal) -> bytes:
        """Return the absolute path of the file to edit."""
        return os.path.join(os.path.realpath(os.fsencode(self._repository.work_tree())), proposal.name)

    @property
    def _message_place(self) -> str:
        """The path of the commit message file."""
        return message_path(self._repository, self._request.message_file)

    def _said(self, *arguments: str) -> str:
        done = self._run(*arguments)
        return "" if done.returncode else os.fsdecode(done.stdout).removesuffix("\n")

    def _run(self, *arguments: str | bytes, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """Run git in the user's environment, with the repository's own hooks and configuration."""
        return subprocess.run(
            [self._repository.program, *arguments],
            env=dict(self._request.environment),
            input=given,
            capture_output=True,
            check=False,
        )


def _replace(place: bytes, content: bytes) -> None:
    with writing(path_text(place), "make it writable"):
        replace_file(os.fsdecode(place), content)
