"""Whether what would put a finding right can be done here and now: nobody has seen yet what it alters."""

from __future__ import annotations

import os
import subprocess

from specguard.change.repository import Repository
from specguard.change.snapshots import message_path, rewrite, start_settings
from specguard.model import path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from specguard.change.request import Request
    from specguard.engine.fixing import Proposal

_UNDER_WAY: Final = {
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase",
    "MERGE_HEAD": "a merge",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
}


class Here:
    """One repository, asked before anything in it is altered.

    Args:
        request: what was judged.

    Attributes:
        repository: the repository.
    """

    def __init__(self, request: Request) -> None:
        self._request = request
        self.repository = Repository.locate(request.directory, request.environment)

    def problem(self, proposal: Proposal) -> str:
        """Why something cannot be done here and now, as a clause; empty where it can."""
        if proposal.kind == "file":
            return self._file_problem(proposal)
        if proposal.kind == "message" and not proposal.name:
            return "" if self.message_file(proposal) is not None else "the file has another message now"
        under_way = self._under_way()
        if under_way:
            return f"{under_way} is under way"
        if proposal.kind == "message":
            return self._commit_problem(path_text(proposal.name))
        return self._branch_problem(proposal)

    def _file_problem(self, proposal: Proposal) -> str:
        place = self.place(proposal)
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

    def message_file(self, proposal: Proposal) -> bytes | None:
        """The content of the file with the message, with the new one."""
        with open(self.message_place, "rb") as stream:
            raw = stream.read()
        return rewrite(raw, proposal.before, proposal.after, start_settings(self.repository))

    def _commit_problem(self, oid: str) -> str:
        if self._said("rev-parse", "HEAD") != oid or not self._said("symbolic-ref", "-q", "HEAD"):
            return "it is not the newest commit of the branch that is checked out"
        branch = self._said("symbolic-ref", "-q", "HEAD")
        others = [name for name in self._containing(oid) if name != branch]
        return f"{_short(others[0])} has it already" if others else ""

    def _branch_problem(self, proposal: Proposal) -> str:
        old, new = os.fsdecode(proposal.before), os.fsdecode(proposal.after)
        if self._said("symbolic-ref", "-q", "HEAD") != f"refs/heads/{old}":
            return "it is not the branch that is checked out"
        if self.run("check-ref-format", "--branch", new).returncode:
            return f"git takes no branch of the name {new}"
        refs = self._said("for-each-ref", "--format=%(refname)", "refs/heads", "refs/remotes").split("\n")
        # A remote's own name may have slashes, so that more is taken for pushed than is, and never less.
        for ref in refs:
            remote = ref.startswith("refs/remotes/")
            if remote and ref.endswith(f"/{old}"):
                return f"it is pushed already, as {_short(ref)}"
            if ref == f"refs/heads/{new}" or (remote and ref.endswith(f"/{new}")):
                return f"there is a branch {_short(ref)} already"
        merges = self._said("config", "--get", f"branch.{old}.merge")
        remote_of = self._said("config", "--get", f"branch.{old}.remote")
        if merges == f"refs/heads/{old}" and remote_of != ".":
            return f"it was pushed to {remote_of}"
        # What is pushed under another name is shared all the same; the base's own commits are no part of it.
        head = self._said("rev-parse", "HEAD")
        pushed = [name for name in self._containing(head) if name.startswith("refs/remotes/")]
        return (
            f"its newest commit is pushed already, as {_short(pushed[0])}" if pushed and self._own() else ""
        )

    def _own(self) -> bool:
        """Whether the branch has commits that the base does not have."""
        from specguard.change.base import find_base
        from specguard.change.git import Git

        with Git(self.repository) as git:
            found = find_base(git, self._request)
        if found is None or found.oid is None:
            return True
        return self.run("merge-base", "--is-ancestor", "HEAD", found.oid).returncode != 0

    def _containing(self, oid: str) -> list[str]:
        said = self._said("for-each-ref", f"--contains={oid}", "--format=%(refname)")
        return [
            name
            for name in said.split("\n")
            if name.startswith(("refs/heads/", "refs/remotes/", "refs/tags/"))
        ]

    def _under_way(self) -> str:
        places = ((os.path.join(self.repository.git_dir, name), what) for name, what in _UNDER_WAY.items())
        return next((what for place, what in places if os.path.exists(place)), "")

    def place(self, proposal: Proposal) -> bytes:
        """Where the file is that would be edited."""
        return os.path.join(os.path.realpath(os.fsencode(self.repository.work_tree())), proposal.name)

    @property
    def message_place(self) -> str:
        """The file of the message that is being written."""
        return message_path(self.repository, self._request.message_file)

    def _said(self, *arguments: str) -> str:
        done = self.run(*arguments)
        return "" if done.returncode else os.fsdecode(done.stdout).removesuffix("\n")

    def run(self, *arguments: str | bytes, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """Run git as the person would, whatever the repository's hooks and configuration make of it."""
        return subprocess.run(
            [self.repository.program, *arguments],
            env=dict(self._request.environment),
            input=given,
            capture_output=True,
            check=False,
        )


def _short(ref: str) -> str:
    for start in ("refs/heads/", "refs/remotes/", "refs/tags/"):
        ref = ref.removeprefix(start)
    return ref
