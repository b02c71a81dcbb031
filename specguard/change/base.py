"""Finding the base: the commit that everything trusted is read from.

It is found without the head's policy, in this order: what the caller names, what the platform names, the
remote's default branch, `main`, `master`, and last what this machine alone says. Each is resolved once to an
object id.
"""

from __future__ import annotations

import re

from specguard.change.process import CommandError
from specguard.change.repository import USUAL_BASES, short_name
from specguard.change.revision import base_refs, resolve
from specguard.errors import SpecguardError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final, Literal

    from specguard.change.event import Event
    from specguard.change.git import Git
    from specguard.change.repository import Repository
    from specguard.change.request import Request

    How = Literal[
        "option", "event", "server", "pin", "usual", "local", "policy", "stack", "head", "none"
    ]  # fmt: skip

_AUTHORITIES: Final = (b"SPEC_AUTHORITY.md", b"specguard.toml")
_STATED: Final = re.compile(rb'^base = "([^"\n]+)"[ \t\r]*$', re.MULTILINE)
"""The line in which an authority names its base, as `init` writes it."""


class Found:
    """A base, and how it was found.

    Attributes:
        name: as people call it, e.g. `origin/main`.
        oid: the commit's full object id; None where there is nothing to trust (`--root`, a first commit).
        how: `option` (the caller named it), `event` (the platform did), `server` (the repository that is
            pushed to has it), `pin` (an agent's session began with it), `usual` (the remote's default branch,
            `main` or `master`), `local` (only this machine says that it is one), `policy` (the policy of
            another base named it), `stack` (a branch that the judged one stands on), `head` (`HEAD` stands in
            for a base that is not there) or `none`.
        ref: the full name of its ref; empty where it has none.
    """

    __slots__ = ("how", "name", "oid", "ref")

    def __init__(self, name: str, oid: str | None, how: How, ref: str = "") -> None:
        self.name = name
        self.oid = oid
        self.how = how
        self.ref = ref

    @property
    def trusted(self) -> bool:
        """Whether it is a base, and not what stands in for one."""
        return self.how not in ("local", "head", "none")

    @property
    def given(self) -> bool:
        """Whether it was named or pinned, so that no policy may name another."""
        return self.how in ("option", "event", "server", "pin")

    def __repr__(self) -> str:
        return f"Found({self.name!r}, {self.oid!r}, {self.how!r})"


def find_base(
    git: Git, request: Request, event: Event | None = None, *, remote: str = "origin", without: str = ""
) -> Found | None:
    """The base of a change.

    Args:
        git: where it is looked up.
        request: what was asked for.
        event: what the platform says.
        remote: the remote whose branches are meant.
        without: the full name of a ref that is no base: the one being pushed.

    Returns:
        None where nobody names one and none of the usual ones is there.

    Raises:
        SpecguardError: the one that is named is not there; or with `enforce` none is named.
        MissingFact: its ref or object is broken.
    """
    if request.pinned:
        name, oid, ref, how = request.pinned
        return Found(name, git.commit(oid).oid, "head" if how == "head" else "pin", ref)
    if request.base:
        return named_base(git, request.base, "option", remote=remote)
    if event is not None and (event.base or event.base_oid):
        return _of_event(git, event, remote)
    if request.enforce:
        if request.bootstrap and git.repository.head is None:
            # Before the first commit there is no base that could be given.
            return None
        raise SpecguardError(
            "--enforce judges against a base that is given, and none is",
            help="Name it with `--base REF`, or give the platform's event with `--pr-event FILE`.",
            code="no-base",
        )
    return usual_base(git, remote=remote, without=without) or local_base(git, without=without)


def default_base(
    git: Git, request: Request, event: Event | None = None, *, remote: str = "origin"
) -> Found | None:
    """The default branch: the one that the platform names, else the usual one.

    Raises:
        SpecguardError: the one that is named is not there.
        MissingFact: its ref or object is broken.
    """
    told = event.default if event is not None else None
    name = told or request.environment.get("CI_DEFAULT_BRANCH")
    if name:
        return named_base(git, name, "event", remote=remote)
    return usual_base(git, remote=remote)


def usual_base(git: Git, *, remote: str = "origin", without: str = "") -> Found | None:
    """The remote's default branch, or a branch of a usual name; None where none is there.

    Raises:
        MissingFact: its ref or object is broken.
    """
    names = [name for name in _usual(remote) if name != without]
    existing = git.repository.refs_named(names)
    for name in names:
        target = git.repository.target_of(name)
        if name.endswith("/HEAD") and target == name:
            # Git makes it symbolic; a ref of its own was fetched from somebody's branch of that name.
            continue
        if name in existing and target != without:
            return Found(short_name(target), git.commit(existing[name]).oid, "usual", target)
    return None


def local_base(git: Git, *, without: str = "") -> Found | None:
    """The branch that stands in for a base where none has a usual name; nothing proves that it is one.

    It is the `init.defaultBranch` of the user's settings. Else it is the only local branch that has an
    authority, or the one that the authorities of all of them name. A branch whose authority names another one
    leaves none.

    Raises:
        MissingFact: a ref or object is broken.
    """
    from specguard.change.tree import Tree

    heads = {ref.short: ref for ref in git.repository.branches() if ref.name.startswith("refs/heads/")}
    name = _default_of_user(git)
    if name not in heads:
        named: dict[str, str] = {}
        for short, ref in heads.items():
            tree = Tree(git, git.commit(ref.oid).tree)
            content = next((text for path in _AUTHORITIES if (text := tree.read(path)) is not None), None)
            if content is not None:
                stated = _STATED.search(content)
                named[short] = stated[1].decode("utf-8", "surrogateescape") if stated else short
        names = set(named if len(named) == 1 else named.values())
        name = names.pop() if len(names) == 1 else ""
    found = heads.get(name)
    if found is None or found.name == without:
        return None
    return Found(found.short, found.oid, "local", found.name)


def _default_of_user(git: Git) -> str:
    """The user's or the system's `init.defaultBranch`, whatever the repository's own configuration has."""
    words = ("config", "-z", "--show-scope", "--get-all", "init.defaultBranch")
    try:
        said = git.repository.in_place(*words, user=True).read().decode("utf-8", "surrogateescape")
    except CommandError:
        return ""
    fields = said.split("\0")
    pairs = [*zip(fields[::2], fields[1::2], strict=False)]
    return next((name for scope, name in reversed(pairs) if scope in ("global", "system")), "")


def named_base(git: Git, name: str, how: How, *, remote: str = "origin") -> Found:
    """The base of this name.

    Raises:
        SpecguardError: there is no such commit.
        MissingFact: its ref or object is broken.
    """
    try:
        revision = resolve(git, name, lambda plain: base_refs(plain, remote))
    except SpecguardError as error:
        raise SpecguardError(
            f"the base cannot be found: {error.message}", help=error.help, code="no-base"
        ) from error
    return Found(short_name(revision.ref) if revision.ref else name, revision.oid, how, revision.ref)


def no_base(repository: Repository, remote: str = "origin") -> SpecguardError:
    """The error about a base that nobody names and that none of the usual places has."""
    from specguard.change.remotes import read_remote

    tried = ", ".join(_usual(remote))
    fetched = (
        f"Fetch it with `git fetch {remote} main`, or name" if read_remote(repository, remote).url else "Name"
    )
    return SpecguardError(
        f"there is no base to compare with: tried {tried}",
        help=f"{fetched} it with `--base REF`.",
        code="no-base",
    )


def _usual(remote: str) -> tuple[str, ...]:
    if remote == "origin":
        return USUAL_BASES
    return tuple(name.replace("refs/remotes/origin/", f"refs/remotes/{remote}/") for name in USUAL_BASES)


def _of_event(git: Git, event: Event, remote: str) -> Found:
    """The tip of the branch that the platform names; where it was not fetched, the commit it names."""
    if event.base and not event.exact:
        ref = f"refs/remotes/{remote}/{event.base}"
        oid = git.repository.refs_named([ref]).get(ref)
        if oid:
            return Found(short_name(ref), git.commit(oid).oid, "event", ref)
    if event.base_oid:
        return Found(event.base or event.base_oid, git.commit(event.base_oid).oid, "event")
    ref = f"refs/heads/{event.base}"
    oid = git.repository.refs_named([ref]).get(ref)
    if oid:
        return Found(event.base or ref, git.commit(oid).oid, "event", ref)
    raise SpecguardError(
        f"the base branch {event.base!r} that the platform names was not fetched",
        help=f"Fetch it with `git fetch {remote} {event.base}`, or check out with fetch-depth: 0.",
        code="no-base",
    )
