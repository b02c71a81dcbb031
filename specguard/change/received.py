"""What a server is about to receive: git's input for a pre-receive hook, in the repository that is pushed to.

Everything that is trusted comes from the branch that the repository's `HEAD` names, as it is before the
push. Whoever pushes may write any ref that the server takes, also below `refs/remotes/` and `refs/tags/`;
so no other ref is looked up, and a base that the hook names is a branch.
"""

from __future__ import annotations

from functools import cached_property

from specguard.change.base import Found
from specguard.change.facts import Base, Push
from specguard.change.push import present, read_input
from specguard.change.ranges import DeletedRef, PushedChange
from specguard.change.repository import is_oid, short_name
from specguard.change.revision import Revision
from specguard.errors import SpecguardError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

    from specguard.change.change import Change
    from specguard.change.git import Git
    from specguard.change.request import Request

REFS_LIMIT: Final = 2_000
"""How many refs one push may have: each is judged, and the server waits for it."""

_STORES: Final = ("GIT_QUARANTINE_PATH", "GIT_OBJECT_DIRECTORY")
_AT_ONCE: Final = 100
"""How many refs are looked up by one command: their names may be long, and a command line is not."""


def read_quarantine(git: Git) -> None:
    """Read the objects that git keeps aside until its hook has agreed; before anything else is read.

    Git names their folder in variables, and so do servers that keep objects in several places. Each content
    is compared with its id, so another folder can add objects and change none.

    Args:
        git: the repository that is pushed to.

    Raises:
        SpecguardError: a folder is not named by its absolute path.
    """
    environment = git.repository.environment
    stores = dict.fromkeys(environment[name] for name in _STORES if environment.get(name))
    for store in stores:
        if not store.startswith("/"):
            raise SpecguardError(
                f"the folder of the pushed objects is {store!r}, which is no absolute path",
                help="Run the hook as git does, with the variables that git sets.",
                code="unreadable-event",
            )
    git.also_read(*stores, listed=environment.get("GIT_ALTERNATE_OBJECT_DIRECTORIES", ""))


def open_received(git: Git, request: Request) -> Sequence[Change]:
    """The changes of a push that a server is asked to take, one for each ref.

    Args:
        git: the repository that is pushed to, with the pushed objects.
        request: what was asked for.

    Raises:
        SpecguardError: there is no such input, it is malformed, has too many refs, or deletes the base.
        MissingFact: an object is not there.
    """
    data = read_input()
    if data is None:
        raise SpecguardError(
            "--pre-receive reads what git tells a pre-receive hook, and nothing was given",
            help="Run it from the hook pre-receive of the repository that is pushed to.",
            code="not-told",
        )
    pushes = read_received(data, git.repository.hexadecimal)
    if len(pushes) > REFS_LIMIT:
        raise SpecguardError(
            f"the push has {len(pushes)} refs, and {REFS_LIMIT} are judged at once",
            help="Push some at a time.",
            code="size-limit",
        )
    if not pushes:
        return []
    found = _find_base(git, request)
    return [_change(git, request, found, push) for push in _followed(git, pushes)]


def read_received(data: bytes, digits: int) -> list[Push]:
    """Read git's input for a pre-receive hook: `<old object id> <new object id> <ref>` a line.

    Args:
        data: the input.
        digits: the length of a full object id.

    Raises:
        SpecguardError: a line has another form.
    """
    pushes = []
    for number, line in enumerate(data.decode("utf-8", "surrogateescape").split("\n"), start=1):
        if not line:
            continue
        old, _, rest = line.partition(" ")
        new, _, ref = rest.partition(" ")
        named = ref.startswith("refs/") and " " not in ref and "\0" not in ref
        if not (named and is_oid(old, digits) and is_oid(new, digits)):
            raise SpecguardError(
                f"line {number} of standard input is not what git tells a pre-receive hook",
                help="It has two object ids and a ref in full, each after a space.",
                code="unreadable-event",
            )
        pushes.append(
            Push(remote="origin", local_ref=ref, remote_ref=ref, new=present(new), old=present(old))
        )
    return pushes


def _followed(git: Git, pushes: Sequence[Push]) -> list[Push]:
    """The pushes with the refs that git will write: what goes to a symbolic ref alters the one it leads to.

    Raises:
        MissingFact: one of the refs is broken.
    """
    repository = git.repository
    names = [push.remote_ref for push in pushes]
    # What is looked up is known from then on, with where a symbolic ref leads.
    for start in range(0, len(names), _AT_ONCE):
        repository.refs_named(names[start : start + _AT_ONCE])
    return [
        Push(
            remote=push.remote,
            local_ref=push.local_ref,
            remote_ref=repository.target_of(push.remote_ref),
            new=push.new,
            old=push.old,
        )
        for push in pushes
    ]


def _find_base(git: Git, request: Request) -> Found:
    """The branch that everything trusted is read from, as it is before the push.

    Raises:
        SpecguardError: `HEAD` names no branch, or the one that the caller names is not there.
        MissingFact: its ref or object is broken.
    """
    repository = git.repository
    if request.base:
        ref = f"refs/heads/{request.base.removeprefix('refs/heads/')}"
        oid = repository.refs_named([ref]).get(ref)
        if oid is None:
            raise SpecguardError(
                f"there is no branch {short_name(ref)!r} here that could be the base",
                help="Name a branch of the repository that is pushed to.",
                code="no-base",
            )
        ref = repository.target_of(ref)
    else:
        ref, oid = repository.branch or "", repository.head
        if not ref.startswith("refs/heads/"):
            raise SpecguardError(
                "HEAD names no branch, so nothing says which one is trusted",
                help="Let it name one: `git symbolic-ref HEAD refs/heads/main`, or give `--base BRANCH`.",
                code="no-base",
            )
        if oid is None:
            # Nothing has been pushed there yet.
            return Found("", None, "none")
    return Found(short_name(ref), git.commit(oid).oid, "server", ref)


def _change(git: Git, request: Request, found: Found, push: Push) -> Change:
    if push.new is not None:
        return ReceivedChange(git, request, found, head=Revision(git.commit(push.new).oid), push=push)
    if push.remote_ref == found.ref:
        raise SpecguardError(
            f"the push deletes {found.name}, which everything trusted is read from",
            help="Let HEAD name another branch first, if this one is to go.",
            code="not-possible",
        )
    return DeletedRef(git, request, found, push=push)


class ReceivedChange(PushedChange):
    """The commits that a push brings to one ref of this repository."""

    @cached_property
    def base(self) -> Base:
        """What the change is compared with; of the base itself its tip, also where that is to be left out.

        A push that is forced takes away what the base has after the merge base, which no other comparison
        shows.
        """
        base = super().base
        if self.found.oid is None or self.push.remote_ref != self.found.ref:
            return base
        tip = self.found.oid
        return Base(
            self, name=base.name, tip=tip, start=tip, head=base.head, trusted=base.trusted, merge_bases=(tip,)
        )
