"""Where a run starts: the tip of the base at the canonical repository, its policy, and its item there."""

from __future__ import annotations

import difflib
import shlex
from typing import TYPE_CHECKING, Final

from specguard.change.base import find_base
from specguard.change.history import History
from specguard.change.repository import short_name
from specguard.change.request import Request
from specguard.change.tree import Tree
from specguard.engine.policies import Policies
from specguard.errors import MissingFact, SpecguardError
from specguard.executor.branches import Plain, shared_branch
from specguard.executor.canonical import find_address
from specguard.executor.choosing import Chooser
from specguard.executor.papers import is_paper
from specguard.executor.remote_git import RemoteError
from specguard.work.shared import task_kinds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from specguard.authority.policy import Policy
    from specguard.change.documents import Documents
    from specguard.change.git import Git
    from specguard.executor.branches import Tips
    from specguard.executor.canonical import Address
    from specguard.executor.options import RunOptions
    from specguard.executor.remote_git import Heads, RemoteGit
    from specguard.executor.user_git import Setting
    from specguard.work.item import WorkItem
    from specguard.work.items import Work

_MOST_MOVES: Final = 3


class Start:
    """Where a run starts.

    Attributes:
        base: the short name of the base branch.
        oid: its commit.
        policy: what is judged by, read from there.
        item: the work item, as it is there; None for a run of gates alone.
        shared: the item's branch as the canonical repository has it, where it may be there already.
        work: the work items there.
        documents: the documents there.
        history: the commits there.
    """

    def __init__(
        self, git: Git, options: RunOptions, base: str, oid: str, tips: Tips = lambda _: None
    ) -> None:
        self.base = base
        self.oid = oid
        tree = Tree(git, git.commit(oid).tree)
        policy = _policy(git, options, tree)
        if policy is None:
            raise SpecguardError(
                f"there is no authority in {base}, at commit {oid[:10]}",
                help="bring SPEC_AUTHORITY.md there first (`specguard init` writes one), or name --base",
                code="no-authority",
            )
        policy.ref = oid
        policy.trusted = True
        self.policy: Policy = policy
        self.history = History(git, oid)
        chooser = Chooser(
            options,
            policy,
            tree,
            self.history,
            lambda branch: _plain(git, tips(branch)),
            base=oid,
            branch=short_name(git.repository.branch or ""),
        )
        self.work: Work = chooser.work
        self.documents: Documents = chooser.documents
        self.item: WorkItem | None = chooser.item() if options.kind else None
        self.shared = (
            shared_branch(git, policy, self.item, base=oid, tips=tips) if self.item is not None else None
        )

    @property
    def remote(self) -> str:
        """The address of the canonical repository as the policy has it; empty where it has none."""
        return (self.item.remote if self.item else "") or self.policy.remote or ""

    def wanted_base(self, options: RunOptions, otherwise: str) -> str:
        """The branch that the run is to start from."""
        named = options.base or (self.item.base if self.item else "") or self.policy.base or otherwise
        return plain_branch(named, options.remote)


class Known:
    """What is known before the remote is asked: the base as it was fetched last.

    Attributes:
        base: its short name; empty where there is none.
        oid: its commit; empty where there is none.
        policy: its policy; None where there is none that can be read.
    """

    def __init__(self, git: Git, options: RunOptions) -> None:
        self.base = self.oid = ""
        self.policy: Policy | None = None
        request = Request(
            directory=options.directory,
            environment=options.environment,
            base=plain_branch(options.base, options.remote),
        )
        try:
            found = find_base(git, request, remote=options.remote)
            if found is not None and found.oid:
                self.base = plain_branch(short_name(found.ref) or found.name, options.remote)
                self.oid = found.oid
                self.policy = _policy(git, options, Tree(git, git.commit(found.oid).tree))
        except (SpecguardError, MissingFact):
            # It is only where to begin: what counts is read from what the remote has.
            return


def start_from_remote(
    git: Git, options: RunOptions, remote: RemoteGit, *, root: str
) -> tuple[Start, Address, Heads]:
    """Ask the canonical repository where its base is, fetch that, and read the policy and the item there.

    The policy of the base may name another base or another repository, whose policy then counts.

    Args:
        git: reads the user's repository.
        options: what was asked for.
        remote: reaches remotes.
        root: the root of the working tree.

    Raises:
        SpecguardError: the remote is not the canonical repository or cannot be reached; there is no such
            branch, policy or item.
    """
    known = Known(git, options)
    expected = (known.policy.remote if known.policy else "") or ""
    base = plain_branch(options.base or (known.policy.base if known.policy else "") or "", options.remote)
    alone = _needs_no_remote(known.policy, options)
    address = find_address(remote.settings, options.remote, expected, root=root, alone=alone)
    heads = _heads(remote, address)
    for _ in range(_MOST_MOVES):
        base = base or heads.default or known.base or "main"
        oid = _fetched(git, options, remote, address, heads, base)
        tips = _tips(git, options, remote, address, heads)
        start = Start(git, options, base, oid, tips)
        wanted = start.wanted_base(options, base)
        alone = _needs_no_remote(start.policy, options)
        moved = find_address(remote.settings, options.remote, start.remote, root=root, alone=alone)
        if wanted == base and moved == address:
            return start, address, heads
        if moved != address:
            address, heads = moved, _heads(remote, moved)
        base = wanted
    raise _circular(base)


def start_as_fetched(
    git: Git, options: RunOptions, settings: Sequence[Setting], *, root: str
) -> tuple[Start, Address, str]:
    """The same from what was fetched last, without asking the remote; for a plan.

    Args:
        git: reads the user's repository.
        options: what was asked for.
        settings: the user's configuration.
        root: the root of the working tree.

    Returns:
        Where a run would start, the canonical repository, and the short name of the ref that was read.

    Raises:
        SpecguardError: as `start_from_remote`; or nothing was fetched yet.
    """
    known = Known(git, options)
    base = plain_branch(options.base or (known.policy.base if known.policy else "") or "", options.remote)
    expected = (known.policy.remote if known.policy else "") or ""
    alone = _needs_no_remote(known.policy, options)
    address = find_address(settings, options.remote, expected, root=root, alone=alone)
    heads = "refs/heads" if address.here else f"refs/remotes/{options.remote}"
    for _ in range(_MOST_MOVES):
        base = base or known.base or "main"
        refs = [f"refs/remotes/{options.remote}/{base}", f"refs/heads/{base}"]
        found = git.repository.refs_named(refs)
        ref = next((one for one in refs if one in found), "")
        if not ref:
            raise SpecguardError(
                f"the base {base} was never fetched; tried: {', '.join(refs)}",
                help=shlex.join(["git", "fetch", options.remote, base]),
                code="no-base",
            )
        start = Start(
            git,
            options,
            base,
            git.commit(found[ref]).oid,
            lambda branch: next(iter(git.repository.refs_named([f"{heads}/{branch}"]).values()), None),
        )
        wanted = start.wanted_base(options, base)
        if wanted == base:
            alone = _needs_no_remote(start.policy, options)
            address = find_address(settings, options.remote, start.remote, root=root, alone=alone)
            return start, address, short_name(ref)
        base = wanted
    raise _circular(base)


def plain_branch(name: str, remote: str) -> str:
    """The short name of a branch of a remote, however it is written: `origin/main`, `refs/heads/main`."""
    for prefix in ("refs/heads/", f"refs/remotes/{remote}/", f"{remote}/"):
        if name.startswith(prefix):
            return name[len(prefix) :]
    return name


def _policy(git: Git, options: RunOptions, tree: Tree) -> Policy | None:
    request = Request(directory=options.directory, environment=options.environment)
    return Policies(request, git.repository).load(tree)


def _needs_no_remote(policy: Policy | None, options: RunOptions) -> bool:
    """Whether a run can do without a remote, as those of a plan's tasks and papers can.

    Where no policy is known yet, what is missing is the policy.
    """
    return policy is None or options.kind in task_kinds(policy) or is_paper(policy, options.kind)


def _heads(remote: RemoteGit, address: Address) -> Heads:
    try:
        return remote.heads(address.fetch)
    except RemoteError as error:
        raise _unreachable(address, error) from error


def _fetched(
    git: Git, options: RunOptions, remote: RemoteGit, address: Address, heads: Heads, base: str
) -> str:
    """The object id of a branch's tip at the remote, which is in the object store then."""
    if base not in heads.branches:
        near = difflib.get_close_matches(base, heads.branches, n=1)
        if not heads.branches and address.here:
            raise SpecguardError(
                f"{address.shown} has no commit on a branch yet",
                help="--baseline-commit makes the first one",
                code="no-base",
            )
        if not heads.branches:
            raise SpecguardError(
                f"{address.shown} has no branches yet",
                help=f"git push {shlex.quote(options.remote)} {shlex.quote(base)}",
                code="remote-unsuitable",
            )
        raise SpecguardError(
            f"{address.shown} has no branch {base}" + (f", but {near[0]}" if near else ""),
            help=f"name the base: --base {shlex.quote(near[0] if near else heads.default or 'BRANCH')}",
            code="remote-unsuitable",
        )
    repository = git.repository
    names = [f"refs/remotes/{options.remote}/{base}", f"refs/heads/{base}"]
    known = [oid for oid in (*repository.refs_named(names).values(), repository.head) if oid]
    if heads.branches[base] in known:
        return heads.branches[base]
    try:
        return remote.fetch(address.fetch, base, known)
    except RemoteError as error:
        raise _unreachable(address, error) from error


def _tips(git: Git, options: RunOptions, remote: RemoteGit, address: Address, heads: Heads) -> Tips:
    def tip(branch: str) -> str | None:
        return _fetched(git, options, remote, address, heads, branch) if branch in heads.branches else None

    return tip


def _plain(git: Git, oid: str | None) -> Plain | None:
    return None if oid is None else Plain(git, oid)


def _circular(base: str) -> SpecguardError:
    return SpecguardError(
        f"the policy of each base names another one, at last {base}",
        help="have the bases agree on `base`, or name one with --base",
        code="broken-authority",
    )


def _unreachable(address: Address, error: RemoteError) -> SpecguardError:
    return SpecguardError(
        f"{address.shown} cannot be reached: {error.reason}",
        help=error.advice(address.shown),
        code="remote-unreachable",
    )
