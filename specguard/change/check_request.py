"""The request for a check, before anything is read, and the commits that its names mean.

A name is `HEAD`, an object id, a branch or a tag, with `~n` and `^n` behind it. Git's own rules are not used:
there a tag called `main`, or a local branch called `origin/main`, stands in front of the branch that is
meant. A name is looked up under its full names alone, in a stated order.
"""

from __future__ import annotations

import os
import sys

from specguard.declaration.rule import Record
from specguard.errors import SpecguardError, nearest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, BinaryIO, Final

    from specguard.change.git import Git


FLOOR: Final = "SPECGUARD_FLOOR"
"""The variable that names the floor where no option does."""


class FileEdit(Record):
    """A file that would be written or removed.

    Attributes:
        path: its name; absolute or from the folder in which the call runs, as the call has it, and in a
            `Request` from the root of the working tree, as git has it.
        content: what it would hold then; None if it would be gone.
        known: whether `content` is known: a shell's redirection names the file alone.
    """

    path: bytes
    content: bytes | None = None
    known: bool = True


class Request(Record):
    """The options of a check that say what is judged and against what.

    At most one of `range`, `staged`, `worktree`, `push`, `pre_receive`, `patch`, `message_file`, `message`
    and `edits` is set; with none of them the branch is judged since its merge base with the base.

    Attributes:
        directory: where to look for the repository; empty: the working directory.
        environment: the process's environment.
        base, head: revisions; empty if they were not given.
        pinned: the base that was found before, whatever its ref points to now: its name, object id and full
            ref name, and whether it is one or `HEAD` stood in for it; empty: it is looked for.
        began: with `pinned`, the object id that `HEAD` had when the agent's session began; empty: not known.
        range: `A..B` or `A...B`.
        staged, worktree, push, pre_receive, root: the flags of these names.
        patch: a patch file's name, or `-` for standard input.
        message_file: the file of a commit message being written.
        message: a commit message that is about to be given; empty for none.
        edits: files that are about to be written, by their path from the root of the working tree, which
            `directory` names.
        own_part: whether what an agent has made begins at the branch that it stands on, and not at the base.
        by_agent: whether an agent's program asks, in whose hands a change is none of the plan's upkeep.
        branch: the branch's name, where the caller knows better than the repository.
        title: a pull request's title; None if none was given.
        body_file: the file with a pull request's body.
        event_file: a platform's event file.
        reviews_file: a file with the reviews of a pull request, as the platform lists them.
        log: the file that every verdict is added to; empty for none.
        authority: a document to judge by instead of the base's; it makes the verdict untrusted.
        floor: an authority that the judging one may tighten and not loosen; empty: what the variable
            `SPECGUARD_FLOOR` of the environment names.
        floor_sha256: the SHA-256 that the floor's file must have; empty: any.
        enforce: nothing outside the trusted base may loosen the verdict.
        bootstrap: a base without an authority may be judged by the head's, and first approvers are accepted.
        today: the date to judge by, `YYYY-MM-DD`; empty: the clock's.
        select, ignore, extend_select: rule selectors.
        strict: warnings count as errors.
        dry_run: findings leave the exit code at 0.
        all: judge the whole tree where a rule can.
        override: the rules whose findings are to be approved, by code or name; empty: none.
        override_paths: the files that they are in.
        approved_by: who approves them.
        reason: why.
        expires: until when, `YYYY-MM-DD`; empty: as long as the policy lets an approval hold.
        ticket: where more is said.
        scope: what the approval is bound to: `change` or `paths`; empty: `change`.
        key: the file of the key that signs it; empty: it is not signed.
    """

    environment: Mapping[str, str]
    directory: str = ""
    base: str = ""
    head: str = ""
    pinned: Sequence[str] = ()
    began: str = ""
    range: str = ""
    staged: bool = False
    worktree: bool = False
    push: bool = False
    pre_receive: bool = False
    root: bool = False
    patch: str = ""
    message_file: str = ""
    message: str = ""
    edits: Sequence[FileEdit] = ()
    by_agent: bool = False
    own_part: bool = False
    branch: str = ""
    title: str | None = None
    body_file: str = ""
    event_file: str = ""
    reviews_file: str = ""
    log: str = ""
    authority: str = ""
    floor: str = ""
    floor_sha256: str = ""
    enforce: bool = False
    bootstrap: bool = False
    today: str = ""
    select: Sequence[str] = ()
    ignore: Sequence[str] = ()
    extend_select: Sequence[str] = ()
    strict: bool = False
    dry_run: bool = False
    all: bool = False
    override: Sequence[str] = ()
    override_paths: Sequence[str] = ()
    approved_by: str = ""
    reason: str = ""
    expires: str = ""
    ticket: str = ""
    scope: str = ""
    key: str = ""


BODY_LIMIT: Final = 1 << 20
"""How large the file of a pull request's body may be, in bytes; GitHub takes 65,536 characters."""


def read_bounded(file: str, limit: int, what: str) -> bytes:
    """The content of a file that somebody named.

    Raises:
        SpecguardError: it cannot be read, or is larger than `limit` bytes.
    """
    try:
        with open(file, "rb") as stream:
            return _read(stream, limit, what, file)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise SpecguardError(
            f"{what} cannot be read: {reason}", path=file, help="Check its name.", code="unreadable-file"
        ) from error


def read_input(limit: int, what: str) -> bytes | None:
    """Standard input; None if nothing can come from there. Pre-commit gives its hooks an empty one.

    Raises:
        SpecguardError: it is larger than `limit` bytes.
    """
    if sys.stdin is None or sys.stdin.isatty():
        return None
    return _read(sys.stdin.buffer, limit, what)


def _read(stream: BinaryIO, limit: int, what: str, path: str | None = None) -> bytes:
    data = stream.read(limit + 1)
    if len(data) > limit:
        raise SpecguardError(
            f"{what} may have {limit >> 20} MiB, and this one is larger",
            path=path,
            help="Check that it is the one that is meant.",
            code="size-limit",
        )
    return data


def read_regular(file: str, limit: int, what: str) -> bytes:
    """The content of a file that a repository holds, which may be anything: nothing waits for it.

    Raises:
        SpecguardError: it is no regular file, cannot be read, or is larger than `limit` bytes.
    """
    # Why it is not there is said where it is read.
    if os.path.exists(file) and not os.path.isfile(file):
        raise SpecguardError(
            f"{what} is no regular file", path=file, help="Put a file in its place.", code="unreadable-file"
        )
    return read_bounded(file, limit, what)


def read_body(file: str) -> str:
    """A pull request's body from a file, with newlines alone at the ends of lines.

    Raises:
        SpecguardError: it cannot be read or is too large.
    """
    data = read_bounded(file, BODY_LIMIT, "the file with the pull request's body")
    return data.decode("utf-8", "surrogateescape").replace("\r\n", "\n")


def once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON whose keys are there once: readers may take one that is there twice differently."""
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError("a key is there twice")
    return values


def no_constant(name: str) -> None:
    """Refuse `NaN` and `Infinity`, which Python reads."""
    raise ValueError(f"{name} is no JSON")


_WRONG: Final = "\x7f:?*[\\^~"


class Revision(Record):
    """The meaning of a name.

    Attributes:
        oid: the commit's full object id.
        ref: the full name of the branch or tag it was found under; empty for `HEAD`, an object id or an
            ancestor of something.
    """

    oid: str
    ref: str = ""


def head_refs(name: str) -> tuple[str, ...]:
    """The refs in which a head's name is looked up: local branches, then those of remotes, then tags."""
    return (
        f"refs/heads/{name}", *_qualified(name), f"refs/remotes/origin/{name}", f"refs/tags/{name}",
    )  # fmt: skip


def base_refs(name: str, remote: str = "origin") -> tuple[str, ...]:
    """The refs in which a base's name is looked up: the remote's branches, then local ones; never a tag."""
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
    steps = text[len(text.rstrip("~^0123456789")) :].lstrip("0123456789")
    name = text[: len(text) - len(steps)]
    found = _find(git, name, refs(name))
    if found is None:
        raise unknown(git, name)
    commit = git.commit(found.oid).oid
    if not steps:
        return Revision(commit, found.ref)
    oid = git.resolve(commit + steps)
    if oid is None:
        help = "Count again: `git log --oneline` shows them. A shallow clone wants `git fetch --unshallow`."
        said = f"there is no commit {text}: {name} has no such ancestor"
        raise SpecguardError(said, help=help, code="unknown-revision")
    return Revision(oid)


def _find(git: Git, name: str, refs: Sequence[str]) -> Revision | None:
    repository = git.repository
    if name in ("HEAD", "@"):
        if repository.head is None:
            help = "Make one; `check --staged` and `status --worktree` need none."
            raise SpecguardError("HEAD has no commit yet", help=help, code="no-commit")
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
    """True if there is something in a name that git takes in no ref's (git-check-ref-format(1))."""
    return ".." in name or "@{" in name or any(sign <= " " or sign in _WRONG for sign in name)


def unknown(git: Git, name: str) -> SpecguardError:
    """The error about a name that means nothing, with the nearest one that does."""
    help = "Give HEAD, an object id, a branch or a tag, with ~n or ^n behind it; git fetch may bring it."
    step = nearest(name, git.repository.names(), help)
    return SpecguardError(f"there is no branch, tag or commit {name!r}", help=step, code="unknown-revision")
