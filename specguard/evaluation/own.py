"""The authority of a working tree as it stands there, with what a scratch repository needs of it."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from specguard.authority.load import load_policy
from specguard.authority.policy import Policy
from specguard.change.request import read_regular
from specguard.change.tree import Tree, TreeEntry
from specguard.engine.plugins import load_registry
from specguard.errors import MissingFact, SpecguardError
from specguard.testing.repository import to_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from specguard.change.git import Git
    from specguard.testing.case import Case

_LARGEST = 8 << 20
_ABOUT_TREE = "CFG"


@dataclass(frozen=True)
class OwnAuthority:
    """An authority of files.

    Attributes:
        top: the folder that its paths begin at.
        documents: the text of each of its documents, by path.
        policy: what they are compiled to.
        files: the paths of the repository's own files, where they are known.
    """

    top: str
    documents: dict[bytes, str]
    policy: Policy
    files: Sequence[bytes] = ()

    def judges(self, case: Case) -> Case:
        """A case that has no policy of its own, judged by this authority; see `under`.

        The rules that compare the policy with the whole tree (CFG) are left out where the case names none of
        them: a case has no more than a few files.
        """
        named = [*case.args, *case.states, *(str(one.get("code")) for one in case.expect or ())]
        if not any(_ABOUT_TREE in name for name in named):
            case = replace(case, args=[*case.args, f"--ignore={_ABOUT_TREE}"])
        return self.under(case)

    def under(self, case: Case) -> Case:
        """A case whose base has the documents of this authority, beside the files that the case gives.

        Where the policy names a base or a remote, the repository has them.
        """
        if not case.base:
            return case
        first, *others = case.base
        # A file of a document's name that the case has stays.
        files: dict[str | bytes, str | bytes] = {}
        files.update(self.documents.items())
        files.update({to_bytes(path): text for path, text in first.files.items()})
        return replace(
            case,
            policy="",
            base=[replace(first, files=files), *others],
            refs={**self.refs(), **case.refs},
            origin=self.policy.remote or case.origin if case.origin else "",
        )

    def refs(self) -> dict[str, str]:
        """The refs that a case needs beside `main`, where the policy names another base."""
        base = self.policy.base or "main"
        name = base.removeprefix("refs/heads/").removeprefix("refs/remotes/origin/").removeprefix("origin/")
        if name == "main":
            return {}
        return {f"refs/heads/{name}": "base", f"refs/remotes/origin/{name}": "base"}


def read_own(top: str) -> OwnAuthority:
    """Read the authority of a working tree, committed or not.

    Args:
        top: its root.

    Raises:
        PolicyError: its settings are wrong.
        SpecguardError: there is none, or it cannot be read.
    """
    files = WorkingFiles(top)
    # No more than `find` and `read` is asked of a tree here.
    policy = load_policy(cast("Tree", files), registry=load_registry)
    if policy is None:
        raise SpecguardError(
            "there is no authority here: neither SPEC_AUTHORITY.md nor other settings of specguard",
            path=top,
            help="`specguard init` writes one; a case may have a `policy` of its own",
            code="no-authority",
        )
    names = [os.fsencode(path) for path, _ in policy.documents]
    texts = {name: (files.read(name) or b"").decode("utf-8", "surrogateescape") for name in names}
    return OwnAuthority(top, texts, policy)


def authority_of(git: Git, policy: Policy) -> OwnAuthority:
    """The authority that a policy was read from: that of its commit, else that of the working tree.

    Raises:
        SpecguardError: it cannot be read.
    """
    top = git.repository.git_dir if git.repository.bare else git.repository.work_tree()
    if policy.ref is None:
        return read_own(top)
    tree = Tree(git, git.commit(policy.ref).tree)
    names = [os.fsencode(path) for path, _ in policy.documents]
    try:
        texts = {name: (tree.read(name) or b"").decode("utf-8", "surrogateescape") for name in names}
        files = tree.paths()
    except MissingFact as missing:
        raise SpecguardError(missing.reason, help=missing.command, code=missing.code) from None
    return OwnAuthority(top, texts, policy, files)


class WorkingFiles:
    """The files of a folder as a tree has them; a link in their way is not followed.

    Args:
        top: the folder.
    """

    def __init__(self, top: str) -> None:
        self._top = os.path.realpath(os.fsencode(top))

    def find(self, path: bytes) -> TreeEntry | None:
        """What is at a path; None where there is nothing."""
        place = os.path.join(self._top, path)
        try:
            mode = os.lstat(place).st_mode
        except OSError:
            return None
        if os.path.realpath(os.path.dirname(place)) != os.path.dirname(place) or stat.S_ISLNK(mode):
            return TreeEntry(0o120000, "")
        if not stat.S_ISREG(mode):
            return TreeEntry(0o040000 if stat.S_ISDIR(mode) else 0, "")
        data = self._data(place)
        digest = hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False)
        return TreeEntry(0o100644, digest.hexdigest())

    def read(self, path: bytes) -> bytes | None:
        """The bytes of a regular file; None where there is none.

        Raises:
            SpecguardError: it cannot be read, or is too large.
        """
        entry = self.find(path)
        return self._data(os.path.join(self._top, path)) if entry is not None and entry.is_file else None

    def _data(self, place: bytes) -> bytes:
        return read_regular(os.fsdecode(place), _LARGEST, "the authority")
