"""The request for a check and the platform's event, before anything is read, and what names resolve to.

A name is `HEAD`, an object id, a branch or a tag, with optional `~n` and `^n` suffixes. Git's own rules are
not used: with them, a tag `main` or a local branch `origin/main` hides the intended branch. A name is looked
up only under its full names, in a stated order.
"""

from __future__ import annotations

import os
import stat
import sys

from specguard.errors import SpecguardError, nearest
from specguard.model import TYPE_CHECKING, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, BinaryIO, Final

    from specguard.change.git import Git
    from specguard.change.platform_event import SubmittedReview


FLOOR: Final = "SPECGUARD_FLOOR"
"""The environment variable that names the floor if no option does."""


class FileEdit(Record):
    """A file that would be written or removed.

    Attributes:
        path: absolute, or relative to the call's folder, as the call has it. In a `Request`, relative to the
            root of the working tree, as git has it.
        content: the content after the edit; None if the file would be removed.
        known: True if `content` is known; a shell's redirection gives only the file's name.
    """

    path: bytes
    content: bytes | None = None
    known: bool = True

    @property
    def removes(self) -> bool:
        """True if the file would certainly be removed."""
        return self.known and self.content is None


class Request(Record):
    """The options of a check that select the change and the base.

    At most one of `range`, `staged`, `worktree`, `push`, `pre_receive`, `patch`, `message_file`, `message`
    and `edits` is set. With none of them, the branch is judged since its merge base with the base.

    Attributes:
        directory: the folder in which to look for the repository; empty: the working directory.
        environment: the process's environment variables.
        base, head: revisions; empty if they were not given.
        pinned: the base that was found before, wherever its ref points now. The values are its name, object
            id and full ref name, and how it was found (`head` if `HEAD` replaced it). Empty: find the base.
        session_head: with `pinned`, the object id of `HEAD` when the agent's session began; empty: not known.
        session_files: what files were when the agent's session began: mode and object id, by path.
        range: `A..B` or `A...B`.
        staged, worktree, push, pre_receive, root: the flags of these names.
        patch: a patch file's name, or `-` for standard input.
        message_file: the file of a commit message being written.
        message: the text of a commit message before its commit; empty for none.
        edits: files that are about to be written, by their path from the root of the working tree, which is
            `directory`.
        own_part: True if an agent's change begins at the branch below it, and not at the base.
        by_agent: True if an agent's program makes the request; its changes never count as plan upkeep.
        branch: the branch's name, if the caller knows better than the repository.
        title: a pull request's title; None if none was given.
        body_file: the file with a pull request's body.
        event_file: a platform's event file.
        reviews_file: a file with the reviews of a pull request, as the platform lists them.
        log: the file to which every verdict is appended; empty for none.
        authority: a document to judge by instead of the base's; it makes the verdict untrusted.
        floor: an authority that the judging one may tighten and not loosen; empty: the one named by the
            environment variable `SPECGUARD_FLOOR`.
        floor_sha256: the expected SHA-256 of the floor's file; empty: any.
        enforce: True if nothing outside the trusted base may loosen the verdict.
        bootstrap: True if the head's authority may judge when the base has none; it also accepts first
            approvers.
        today: the date to judge by, `YYYY-MM-DD`; empty: the clock's.
        select, ignore, extend_select: rule selectors.
        strict: True if warnings count as errors.
        dry_run: True if findings leave the exit code at 0.
        all: True to judge the whole tree with each rule that can.
        override: the rules whose findings are to be approved, by code or name; empty: none.
        override_paths: the files of these findings.
        approved_by: the approver.
        reason: the approver's reason.
        expires: the end of the approval, `YYYY-MM-DD`; empty: the longest time that the policy permits.
        ticket: a reference to more information.
        scope: what the approval is bound to: `change` or `paths`; empty: `change`.
        key: the file of the signing key; empty: the approval is not signed.
    """

    environment: Mapping[str, str]
    directory: str = ""
    base: str = ""
    head: str = ""
    pinned: Sequence[str] = ()
    session_head: str = ""
    session_files: Sequence[Mapping[bytes, str]] = ()
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


class Event(Record):
    """A pull request, a merge queue's group or a push, as the platform describes it.

    Attributes:
        kind: `pull_request`, `merge_group` or `push`; empty without an event, when at most flags describe
            the change.
        head: the object id of the commit to judge; None if the platform does not name it.
        branch: the short name of the judged branch, or None; a merge queue's own branches do not count.
        base: the short name of the branch it is to be merged into, or None.
        base_oid: the object id that the platform gives for the base, or None.
        exact: True if the base is that commit, and not the tip of the branch.
        merge: the object id of the merge that the platform made for the checkout; its second parent is the
            head.
        title, body, number: of the pull request; None if the source does not have them.
        author: the login of the pull request's author; None if the source does not name it.
        reviews: the review of the event, if the event is a review.
        deleted: True if a push deletes its branch.
        default: the short name of the repository's default branch, or None.
    """

    kind: str = ""
    head: str | None = None
    branch: str | None = None
    base: str | None = None
    base_oid: str | None = None
    exact: bool = False
    merge: str | None = None
    title: str | None = None
    body: str | None = None
    number: int | None = None
    author: str | None = None
    reviews: Sequence[SubmittedReview] = ()
    deleted: bool = False
    default: str | None = None

    @property
    def has_text(self) -> bool:
        """True if the event has or could have a pull request's text, also from flags."""
        has_flags = self.title is not None or self.body is not None
        return self.kind == "pull_request" or (has_flags and self.kind != "merge_group")


BODY_LIMIT: Final = 1 << 20
"""The maximum size of the file with a pull request's body, in bytes; GitHub takes 65,536 characters."""


def read_bounded(file: str, limit: int, what: str) -> bytes:
    """Read a file that the user named.

    Raises:
        SpecguardError: it cannot be read, or is larger than `limit` bytes.
    """
    try:
        with open(file, "rb") as stream:
            return _read_limited(stream, limit, what, file)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        message, step = f"{what} cannot be read: {reason}", "Check its name."
        raise SpecguardError(message, path=file, help=step, code="unreadable-file") from error


def read_input(limit: int, what: str) -> bytes | None:
    """Read standard input; None if it is closed or a terminal. Pre-commit gives its hooks an empty one.

    Raises:
        SpecguardError: it is larger than `limit` bytes.
    """
    if sys.stdin is None or sys.stdin.isatty():
        return None
    return _read_limited(sys.stdin.buffer, limit, what)


def _read_limited(stream: BinaryIO, limit: int, what: str, path: str | None = None) -> bytes:
    data = stream.read(limit + 1)
    if len(data) > limit:
        most = f"{limit >> 20} MiB" if limit >> 20 else f"{limit >> 10} KiB"
        message = f"{what} may have {most}, and this one is larger"
        step = "Check that it is the one that is meant."
        raise SpecguardError(message, path=path, help=step, code="size-limit")
    return data


def read_regular(file: str, limit: int, what: str) -> bytes:
    """Read a file of a repository without waiting: a pipe or device in its place is an error.

    Raises:
        SpecguardError: it is not a regular file, cannot be read, or is larger than `limit` bytes.
    """
    # `read_bounded` reports a missing file.
    if os.path.exists(file) and not os.path.isfile(file):
        message = f"{what} is not a regular file"
        raise SpecguardError(message, path=file, help="Put a file there.", code="unreadable-file")
    return read_bounded(file, limit, what)


def read_unlinked(file: str | bytes, limit: int) -> bytes | None:
    """Read a regular file without waiting and without following a link; None for anything else.

    Args:
        file: its name.
        limit: the maximum number of bytes that are read; -1 reads all.
    """

    def opener(name: str, flags: int) -> int:
        return os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK)

    try:
        with open(file, "rb", opener=opener) as stream:
            return stream.read(limit) if stat.S_ISREG(os.fstat(stream.fileno()).st_mode) else None
    except OSError:
        return None


def read_body(file: str) -> str:
    r"""Read a pull request's body from a file, with `\r\n` replaced by newlines.

    Raises:
        SpecguardError: it cannot be read or is too large.
    """
    data = read_bounded(file, BODY_LIMIT, "the file with the pull request's body")
    return data.decode("utf-8", "surrogateescape").replace("\r\n", "\n")


def unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object as a dict; refuse a repeated key, which parsers may resolve differently."""
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError("a key is there twice")
    return values


_INVALID: Final = "\x7f:?*[\\^~"


class Revision(Record):
    """The commit that a name resolves to.

    Attributes:
        oid: the commit's full object id.
        ref: the full name of the branch or tag; empty for `HEAD`, an object id, or a name with a suffix.
    """

    oid: str
    ref: str = ""


def head_refs(name: str) -> tuple[str, ...]:
    """Return the refs to look up for a head's name: local branches, then those of remotes, then tags."""
    return (f"refs/heads/{name}", *base_refs(name), f"refs/tags/{name}")


def base_refs(name: str, remote: str = "origin") -> tuple[str, ...]:
    """Return the refs to look up for a base's name: the remote's branches, then local ones; never a tag."""
    # A name such as `origin/main` is the remote's, before a local branch of that name.
    named = (f"refs/remotes/{name}",) if "/" in name else ()
    return (*named, f"refs/remotes/{remote}/{name}", f"refs/heads/{name}")


def resolve(git: Git, text: str, refs: Callable[[str], Sequence[str]] = head_refs) -> Revision:
    """Resolve a name to a commit.

    Args:
        git: the repository to search.
        text: the name as the user wrote it.
        refs: returns the full names to try for a name, in order; the first that exists counts.

    Raises:
        SpecguardError: the commit does not exist, or the name is ambiguous.
        MissingFact: the ref or the object is broken.
    """
    suffix = text[len(text.rstrip("~^0123456789")) :].lstrip("0123456789")
    name = text[: len(text) - len(suffix)]
    found = _find_revision(git, name, refs(name))
    if found is None:
        hint = "Give HEAD, an object id, a branch or a tag, with ~n or ^n behind it; git fetch may bring it."
        step = nearest(name, git.repository.names(), hint)
        message = f"there is no branch, tag or commit {name!r}"
        raise SpecguardError(message, help=step, code="unknown-revision")
    commit = git.commit(found.oid).oid
    if not suffix:
        return Revision(commit, found.ref)
    oid = git.resolve(commit + suffix)
    if oid is None:
        help = "Count again: `git log --oneline` shows them. A shallow clone wants `git fetch --unshallow`."
        message = f"there is no commit {text}: {name} has no such ancestor"
        raise SpecguardError(message, help=help, code="unknown-revision")
    return Revision(oid)


def _find_revision(git: Git, name: str, refs: Sequence[str]) -> Revision | None:
    repository = git.repository
    if name in ("HEAD", "@"):
        if repository.head is None:
            help = "Make one; `check --staged` and `status --worktree` need none."
            raise SpecguardError("HEAD has no commit yet", help=help, code="no-commit")
        return Revision(repository.head)
    if not name or is_invalid(name):
        return None
    by_id = None
    if 4 <= len(name) <= 64 and not name.strip("0123456789abcdef"):
        if len(name) == repository.oid_digits:
            return Revision(name)
        by_id = git.resolve(name)
    names = (name,) if name.startswith("refs/") else repository.in_order(refs)
    existing = repository.refs_named(names)
    for ref in names:
        if ref in existing:
            if by_id is not None and by_id != existing[ref]:
                message = f"{name} is short for a commit and also the name of {ref}"
                help = "Give the whole object id, or the ref's full name."
                raise SpecguardError(message, help=help, code="unknown-revision")
            return Revision(existing[ref], repository.target_of(ref))
    return Revision(by_id) if by_id is not None else None


def is_invalid(name: str) -> bool:
    """True if a name has something that git permits in no branch's name (git-check-ref-format(1))."""
    unfit = ".." in name or "@{" in name or name.startswith("-") or name.endswith(".")
    unfit = unfit or any(part[:1] in ("", ".") or part.endswith(".lock") for part in name.split("/"))
    return unfit or any(sign <= " " or sign in _INVALID for sign in name)
