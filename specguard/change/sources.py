"""Opening the changes that a request asks for: one for each source, and for a push one for each ref."""

from __future__ import annotations

import os

from specguard.change.base import FoundBase, event_commit, find_base, named_base, no_base_error
from specguard.change.check_request import FLOOR, Event, Request, Revision, head_refs, resolve
from specguard.declaration.patterns import fold
from specguard.errors import TYPE_CHECKING, Needed, SpecguardError, if_applicable, if_known, usage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any, Final

    from specguard.change.change import Change
    from specguard.change.git import Git
    from specguard.change.repository import Push, Repository
    from specguard.change.tree import Tree, TreeEntry


_SOURCES: Final = (
    "range", "staged", "worktree", "push", "pre_receive", "patch", "message_file", "message", "edits"
)  # fmt: skip
_FLAGS: Final = {
    "message_file": "--commit-msg-file",
    "pre_receive": "--pre-receive",
    "title": "--pr-title",
    "body_file": "--pr-body-file",
}


def open_changes(git: Git, request: Request) -> Sequence[Change]:
    """Open the requested changes, each with its base; their facts are read later.

    Args:
        git: the repository to read; it must stay open as long as the changes are used.
        request: the request for the check.

    Returns:
        One change; for a push one for each ref, and none if nothing is pushed.

    Raises:
        SpecguardError: nothing can be judged: the base or a commit is missing, or an input cannot be read.
    """
    _check_flags(request)
    with Needed():
        if request.pre_receive:
            from specguard.change.remotes import add_quarantine

            add_quarantine(git)
        # For a final verdict, files that describe the change must not come from the change.
        files = outside_files(request) if request.enforce else ()
        if files and git.repository.head:
            refuse_committed(git.repository, files, git.tree_at(git.repository.head))
        changes = _open_requested(git, request)
        for change in changes if files else ():
            refuse_brought(change, files)
    return changes


def _open_requested(git: Git, request: Request) -> Sequence[Change]:
    if request.push:
        from specguard.change.remotes import find_pushes

        return [_open_push(git, request, one) for one in find_pushes(git, request.environment)]
    if request.pre_receive:
        from specguard.change.remotes import open_received

        return open_received(git, request)
    if request.edits:
        from specguard.change.uncommitted import EditedChange

        return [EditedChange(git, request, _find_trusted(git, request, Event()))]
    snapshot = request.staged or (request.worktree and not request.head)
    if snapshot or request.patch or request.message_file or request.message:
        return [_open_uncommitted(git, request)]
    return _open_range(git, request)


def _check_flags(request: Request) -> None:
    sources = [_flag(name) for name in _SOURCES if getattr(request, name)]
    if len(sources) > 1:
        raise usage(f"{sources[0]} and {sources[1]} ask for different changes", "Give one of them.")
    on_top = request.worktree and request.head in ("HEAD", "@")
    for name in ("head", "root", "title", "body_file"):
        fits = (on_top and name != "root") or (request.range and name in _FLAGS)
        if getattr(request, name) and sources and not fits:
            help = f"{_flag(name)} is about a branch's commits."
            raise usage(f"{_flag(name)} does not go with {sources[0]}", help)
    if request.base and (request.root or request.range):
        other = "--root" if request.root else "--range"
        raise usage(f"--base does not go with {other}", "Give one of them.")


def _flag(name: str) -> str:
    return _FLAGS.get(name, f"--{name}")


def _find_event(request: Request, *, explicit: bool = False) -> Event:
    """Find the event, empty if there is none; with `explicit` only the one that the caller names."""
    environment = request.environment
    platform = environment.get("GITHUB_ACTIONS") or environment.get("GITLAB_CI")
    if not request.event_file and (explicit or not platform):
        return Event()
    from specguard.change.platform_event import find_event

    return find_event(request) or Event()


def _open_range(git: Git, request: Request) -> Sequence[Change]:
    from specguard.change.ranges import BranchWithWorkTree, RangeChange, read_description

    event = read_description(request, _find_event(request, explicit=bool(request.range or request.root)))
    if request.range:
        base, named = split_range(request.range)
        found, head = _range_base(git, base), resolve(git, named)
    else:
        if event.deleted and not request.head:
            return []
        head = _find_head(git, request, event)
        found = FoundBase() if request.root else find_base(git, request, event)
        named = request.head or (head.oid if event.head else "")
    if not (found or request.root):
        raise no_base_error()
    stage = "pull-request" if event.has_text else "range"
    asked: dict[str, Any] = {"event": event, "stage": stage, "head": head, "named": named}
    if request.worktree:
        from specguard.change.worktree import hash_work_tree

        hashed = hash_work_tree(git, user_list=not request.by_agent)
        return [BranchWithWorkTree(git, request, found, **asked, hashed=hashed)]
    return [RangeChange(git, request, found, **asked)]


def split_range(text: str, usual: str = "HEAD") -> tuple[str, str]:
    """Return both ends of `A..B` or `A...B`; an omitted head is the usual one."""
    base, dots, head = text.partition("...") if "..." in text else text.partition("..")
    if not dots or not base or ".." in head:
        raise usage(f"{text!r} is not a range", "A range is `A..B`: the commits of B that A lacks.")
    return base, head or usual


def _range_base(git: Git, name: str) -> FoundBase:
    """Resolve the base end of a range, as any base."""
    if "~" in name or "^" in name:
        # A position in a history is resolved like a head's name, from local branches first.
        return FoundBase(name, resolve(git, name, head_refs).oid, "option")
    return named_base(git, name, "option")


def _find_head(git: Git, request: Request, event: Event) -> Revision:
    """Return the judged commit."""
    if request.head:
        return resolve(git, request.head)
    if event.head:
        return Revision(event_commit(git, event.head))
    head = resolve(git, "HEAD")
    parents = git.commit(head.oid).parents if event.merge == head.oid else ()
    return Revision(parents[1]) if len(parents) == 2 else head


def _open_uncommitted(git: Git, request: Request) -> Change:
    from specguard.change import uncommitted

    if request.staged:
        _check_index(git)
        # The comparison runs while the base and the policy are read.
        git.start_index_diff(git.checked_out)
    event = _find_event(request)
    known = git, request, _find_trusted(git, request, event), event
    if request.staged:
        return uncommitted.StagedChange(*known)
    if request.message_file or request.message:
        return uncommitted.MessageChange(*known, message=uncommitted.read_message(git.repository, request))
    from specguard.change.worktree import HashedTree, hash_work_tree

    if request.patch:
        hashed = HashedTree(git, uncommitted.apply_patch(git, resolve(git, "HEAD").oid, request.patch))
        return uncommitted.TreeChange(*known, source="patch", hashed=hashed)
    return uncommitted.TreeChange(*known, hashed=hash_work_tree(git, user_list=not request.by_agent))


def open_work_tree(git: Git, request: Request) -> Change:
    """Open the working tree as it is: nothing is compared with it, and its own authority applies.

    Args:
        git: the repository to read; it must stay open as long as the change is used.
        request: the request; its flags that name a change or a base are ignored.

    Raises:
        SpecguardError: the working tree does not exist, or a file of it cannot be read.
    """
    from specguard.change.uncommitted import TreeChange
    from specguard.change.worktree import hash_work_tree

    with Needed():
        change = TreeChange(git, request, FoundBase(), hashed=hash_work_tree(git))
    # The tree is judged as it is, without a comparison: nothing has changed.
    vars(change).update(entries=(), start_files=change.head_files)
    return change


def _check_index(git: Git) -> None:
    repository = git.repository
    is_named = repository.bare or repository.environment.get("GIT_INDEX_FILE")
    if is_named and not os.path.exists(repository.index):
        message = f"nothing is staged: there is no index {repository.index}"
        help = "Unset GIT_INDEX_FILE, or judge commits: `specguard check --head BRANCH`."
        raise SpecguardError(message, help=help, code="no-repository")


def _find_trusted(git: Git, request: Request, event: Event) -> FoundBase:
    """Find the base of an uncommitted change; if there is none, `HEAD` replaces it, if it has a commit."""
    found, head = find_base(git, request, event), git.repository.head
    return FoundBase("HEAD", head, "head") if head and not found else found


def _is_known_tag(git: Git, push: Push) -> bool:
    """True if a push adds only notes, or only a name: a tag of a commit that the remote's branches have."""
    if push.remote_ref.startswith("refs/notes/"):
        return True
    if (new := push.new) is None or not push.remote_ref.startswith("refs/tags/"):
        return False
    prefix = f"refs/remotes/{push.remote}/"
    tips = [one.oid for one in git.repository.branches() if one.name.startswith(prefix)]
    return bool(tips) and if_known(lambda: not git.revisions(git.commit(new).oid, *tips), False)


def _open_push(git: Git, request: Request, push: Push) -> Change:
    from specguard.change.ranges import RefAlone, change_of_push

    # The branch that is being pushed cannot be its own base.
    found = find_base(git, request, remote=push.remote, without=push.remote_ref)
    # At the first push of a first branch, no base exists yet.
    if not found and push.old is not None:
        raise no_base_error(push.remote)
    if not request.enforce and _is_known_tag(git, push):
        return RefAlone(git, request, found, remote=push.remote, pushed=push, empty=True)
    return change_of_push(git, request, found, push)


_MOST_LINKS: Final = 40
"""The maximum number of symbolic links that Linux follows in one path."""


def outside_files(request: Request) -> Sequence[tuple[str, str]]:
    """Return the files that the change must not have written, each with its purpose and name.

    These are the files that name the author and the approvers, the decision log, and the floor.
    """
    file = request.event_file
    if not file and request.environment.get("GITHUB_ACTIONS") == "true":
        file = request.environment.get("GITHUB_EVENT_PATH", "")
    named = [
        ("the event file", file),
        ("the reviews file", request.reviews_file),
        ("the decision log", request.log),
        ("the floor", request.floor or request.environment.get(FLOOR, "")),
    ]
    return [(what, name) for what, name in named if name]


def refuse_committed(repository: Repository, files: Iterable[tuple[str, str]], tree: Tree) -> None:
    """Refuse files that are in the working tree because a commit has them there.

    The author of the change could have written them. A symbolic link on the way is refused too.

    Args:
        repository: the repository with the working tree.
        files: each with its purpose and name.
        tree: the files of the commit.

    Raises:
        SpecguardError: the commit has one of these files.
        MissingFact: a tree object is not there.
    """
    if repository.bare:
        return
    for what, file in files:
        for inside in _steps_inside(repository.work_tree(), file):
            entry = _find_spelling(tree, os.fsencode(inside).split(b"/"))
            if entry is not None and not entry.is_directory:
                message = f"{what} is in the judged tree, as {inside}, so the change could have written it"
                help = "Keep it outside the checkout, as in $RUNNER_TEMP; of a plugin, install a release."
                raise SpecguardError(message, path=file, help=help, code="untrusted-file")


def refuse_brought(change: Change, files: Iterable[tuple[str, str]]) -> None:
    """Refuse files that a change has committed, as `refuse_committed`; the deletion of a ref adds none."""
    if (tree := if_applicable(lambda: change.head_files, None)) is not None:
        refuse_committed(change.git.repository, files, tree)


def is_in_work_tree(repository: Repository, file: str) -> bool:
    """True if a file, or a symbolic link on the way to it, is in the working tree."""
    top = repository.root
    return top is not None and any(_steps_inside(top, file))


def _steps_inside(work_tree: str, file: str) -> Iterator[str]:
    """Yield each path on the way to a file that is in a working tree, from its root."""
    root = os.path.realpath(work_tree).rstrip("/") + "/"
    for step in _path_steps(os.path.join(os.getcwd(), file)):
        if step.startswith(root):
            yield step[len(root) :]


def _path_steps(path: str) -> Iterator[str]:
    """Yield each path on the way to a file, and the file's own; only the last name of each may be a link."""
    remaining = path.split("/")[::-1]
    folder = ""
    links = 0
    while remaining and links <= _MOST_LINKS:
        name = remaining.pop()
        if name == "..":
            folder = folder.rpartition("/")[0]
        elif name not in ("", "."):
            step = f"{folder}/{name}"
            yield step
            if not os.path.islink(step):
                folder = step
                continue
            links += 1
            target = os.readlink(step)
            folder = "" if target.startswith("/") else folder
            remaining += target.split("/")[::-1]


def _find_spelling(tree: Tree, names: Sequence[bytes]) -> TreeEntry | None:
    """Find the entry at a path, in any spelling that a file system may accept; stop at a non-directory."""
    directory = b""
    entry = None
    for name in names:
        folded = fold(name)
        found = tree.names(directory)
        known = name if name in found else next((one for one in found if fold(one) == folded), None)
        if known is None:
            return None
        entry = found[known]
        if not entry.is_directory:
            return entry
        directory = directory + b"/" + known if directory else known
    return entry
