"""Names of commits: `HEAD`, an object id, a branch, a tag, and `~n`, `^n` behind it; and git's hashes.

`hashlib` has those of OpenSSL, which are several times as fast: they are taken once there was much to hash.

Git's own rules are not used: there a tag called `main`, or a local branch called `origin/main`, stands in
front of the branch that is meant. A name is looked up under its full names alone, in a stated order.
"""

from __future__ import annotations

import re

from specguard.declaration.rule import Record
from specguard.errors import SpecguardError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, Final

    from specguard.change.git import Git


if TYPE_CHECKING:
    from hashlib import _Hash, sha1
else:
    try:
        from _sha1 import sha1
    except ImportError:
        from hashlib import sha1

MUCH: Final = 1 << 20
"""After so many bytes, `hashlib` saves more time than its import costs."""

__all__ = ["object_id", "sha1", "sha256"]


class _Hashes:
    """The hashes of objects, and how much was hashed."""

    __slots__ = ("_left", "_sha1", "_sha256")

    def __init__(self) -> None:
        self._sha1: Any = sha1
        # Few checks need it, and its import would cost each of them.
        self._sha256: Any = None
        self._left = MUCH

    def object_id(self, kind: str, content: bytes, digits: int) -> str:
        """The object id that git gives to this content.

        Args:
            kind: `blob`, `tree`, `commit` or `tag`.
            content: the object's bytes.
            digits: 40 for a repository of SHA-1, 64 for one of SHA-256.
        """
        if self._left > 0:
            self._left -= len(content)
            if self._left <= 0:
                import hashlib

                self._sha1, self._sha256 = hashlib.sha1, hashlib.sha256
        hashed = self.sha256 if digits == 64 else self._sha1
        state = hashed(b"%s %d\0" % (kind.encode(), len(content)), usedforsecurity=False)
        state.update(content)
        return str(state.hexdigest())

    def sha256(self, content: bytes = b"", *, usedforsecurity: bool = True) -> _Hash:
        """The state of a SHA-256 of this content, as that of `hashlib`."""
        if self._sha256 is None:
            self._sha256 = _find_sha256()
        state: _Hash = self._sha256(content, usedforsecurity=usedforsecurity)
        return state


def _find_sha256() -> Any:
    for module in ("_sha2", "_sha256", "hashlib"):
        try:
            return __import__(module).sha256
        except ImportError:
            continue
    raise ImportError("this Python has no SHA-256")


_hashes: Final = _Hashes()
object_id = _hashes.object_id
sha256 = _hashes.sha256


# Compiled by their first use: a hook is seldom given a revision.
_SPELLING: Final = r"(?s)(?P<name>.*?)(?P<steps>(?:[~^][0-9]*)*)"
_WRONG: Final = "\x7f:?*[\\^~"


class Revision(Record):
    """What a name was found to mean.

    Attributes:
        oid: the commit's full object id.
        ref: the full name of the branch or tag it was found under; empty for `HEAD`, an object id or an
            ancestor of something.
    """

    oid: str
    ref: str = ""


def head_refs(name: str) -> tuple[str, ...]:
    """Where the name of a head is looked for: local branches, then those of remotes, then tags."""
    return (
        f"refs/heads/{name}", *_qualified(name), f"refs/remotes/origin/{name}", f"refs/tags/{name}",
    )  # fmt: skip


def base_refs(name: str, remote: str = "origin") -> tuple[str, ...]:
    """Where the name of a base is looked for: the remote's branches, then local ones; never a tag."""
    return (*_qualified(name), f"refs/remotes/{remote}/{name}", f"refs/heads/{name}")


def _qualified(name: str) -> tuple[str, ...]:
    """For `origin/main`, which is the remote's branch and no local one of that name."""
    return (f"refs/remotes/{name}",) if "/" in name else ()


def resolve(git: Git, text: str, refs: Callable[[str], Sequence[str]] = head_refs) -> Revision:
    """The commit that a name means.

    Args:
        git: where it is looked up.
        text: what a person wrote.
        refs: the full names under which a name is looked up, the first that exists.

    Raises:
        SpecguardError: there is no such commit, or the name has several meanings.
        MissingFact: the ref or the object is broken.
    """
    match = re.fullmatch(_SPELLING, text) if "~" in text or "^" in text else None
    name, steps = (match["name"], match["steps"]) if match else (text, "")
    found = _find(git, name, refs(name))
    if found is None:
        raise unknown(git, name)
    commit = git.commit(found.oid).oid
    if not steps:
        return Revision(commit, found.ref)
    oid = git.resolve(commit + steps)
    if oid is None:
        raise SpecguardError(
            f"there is no commit {text}: {name} has no such ancestor",
            help=_deeper(git, "Count again"),
            code="unknown-revision",
        )
    return Revision(oid)


def _deeper(git: Git, otherwise: str) -> str:
    if git.repository.shallow:
        return "This clone is shallow; fetch the rest with `git fetch --unshallow origin`."
    return f"{otherwise}: `git log --oneline` shows them."


def _find(git: Git, name: str, refs: Sequence[str]) -> Revision | None:
    repository = git.repository
    if name in ("HEAD", "@"):
        if repository.head is None:
            raise SpecguardError(
                "HEAD has no commit yet",
                help="Make one, or judge what is staged with `--staged`.",
                code="no-commit",
            )
        return Revision(repository.head)
    if not name or name.startswith("-") or _is_wrong(name):
        return None
    by_id = None
    if 4 <= len(name) <= 64 and not name.strip("0123456789abcdef"):
        if len(name) == repository.hexadecimal:
            return Revision(name)
        by_id = git.resolve(name)
    names = (name,) if name.startswith("refs/") else refs
    existing = repository.refs_named(names)
    for ref in names:
        if ref in existing:
            if by_id is not None and by_id != existing[ref]:
                raise SpecguardError(
                    f"{name} is short for a commit and also the name of {ref}",
                    help="Give the whole object id, or the ref's full name.",
                    code="unknown-revision",
                )
            return Revision(existing[ref], repository.target_of(ref))
    return Revision(by_id) if by_id is not None else None


def _is_wrong(name: str) -> bool:
    """Whether there is something in a name that git takes in no ref's (git-check-ref-format(1))."""
    return ".." in name or "@{" in name or any(sign <= " " or sign in _WRONG for sign in name)


def unknown(git: Git, name: str) -> SpecguardError:
    """The error about a name that means nothing, with the nearest one that does."""
    # difflib costs as much as the rest of a hook; here nobody waits for a verdict any more.
    from difflib import get_close_matches

    from specguard.change.remotes import read_remote

    nearest = get_close_matches(name, git.repository.names(), n=1)
    if nearest:
        help = f"Did you mean {nearest[0]}?"
    elif _is_wrong(name):
        help = "Give HEAD, an object id, a branch or a tag, with ~n or ^n behind it."
    elif read_remote(git.repository).url:
        help = f"Fetch it with `git fetch origin {name}`, or name another."
    else:
        help = "Name another one."
    return SpecguardError(f"there is no branch, tag or commit {name!r}", help=help, code="unknown-revision")
