"""Where a run starts: the tip of the base at the canonical repository, its policy, and its item there.

This is the one place where specguard writes to the user's own checkout: git is run there as the user would
run it, with their settings and hooks, and nothing that is there is ever changed.
"""

from __future__ import annotations

import difflib
import os
import shlex
import subprocess
from typing import TYPE_CHECKING, Final

from specguard.authority.load import DEFAULTS
from specguard.change.base import Found, find_base, papers_of
from specguard.change.git import History
from specguard.change.repository import INHERITED, Repository, find_program, short_name
from specguard.change.request import Request
from specguard.change.tree import Tree
from specguard.engine.policies import ItemBranches, Policies
from specguard.errors import MissingFact, SpecguardError
from specguard.executor.item import Plain, is_paper, is_within, shared_branch
from specguard.executor.remote.git import RemoteError, find_address
from specguard.executor.start.choice import Chooser
from specguard.work.changes import task_kinds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from specguard.authority.policy import Policy
    from specguard.change.git import Git
    from specguard.change.tree import Documents
    from specguard.executor.item import Tips
    from specguard.executor.remote.git import Address, Heads, RemoteGit, Setting
    from specguard.executor.run import RunOptions
    from specguard.work.item import WorkItem
    from specguard.work.items import Work


_MOST_MOVES: Final = 4


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
        below: the branch that the item's is stacked on: not in the base yet, and its papers count where the
            base has none; None where there is none.
    """

    def __init__(
        self,
        git: Git,
        options: RunOptions,
        base: str,
        oid: str,
        tips: Tips = lambda _: None,
        below: Found | None = None,
    ) -> None:
        self.base = base
        self.oid = oid
        self.below = below
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
        self.history = History(git, oid, below.oid if below else None)
        if below is not None and below.oid:
            tree = papers_of(git, oid, below.oid)
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
        asked = "" if self.is_items(options.base, options.remote) else options.base
        return plain_branch(asked or self.policy.base or otherwise, options.remote)

    def wanted_below(self, options: RunOptions) -> str:
        """The branch that the item's is to be stacked on: the one that is asked for, or its kind's."""
        name = options.base or (self.item.base if self.item and self.item.settings.base else "")
        below = plain_branch(name, options.remote) if self.is_items(name, options.remote) else ""
        return "" if below == self.base else below

    def is_items(self, name: str, remote: str) -> bool:
        """Whether the policy knows a branch as one that items are stacked on."""
        return bool(name) and ItemBranches(self.policy)(plain_branch(name, remote))

    @property
    def into(self) -> str:
        """The branch that the item's is to be merged into."""
        return self.below.name if self.below else self.base


class Known:
    """What is known before the remote is asked: the base as it was fetched last.

    Attributes:
        base: its short name; empty where there is none.
        oid: its commit; empty where there is none.
        policy: its policy; None where there is none that can be read.
        below: the base that is asked for, where that policy knows it as an item's branch; else empty.
    """

    def __init__(self, git: Git, options: RunOptions) -> None:
        self.base = self.oid = self.below = ""
        self.policy: Policy | None = None
        asked = plain_branch(options.base, options.remote)
        self._find(git, options, "")
        if not asked or self._is_items(asked):
            # The list that the item stands in may be on that branch alone.
            self.below = asked or self._base_of(options.kind)
        else:
            self._find(git, options, asked)

    def first(self, options: RunOptions) -> str:
        """The base to begin with; empty where nothing says."""
        asked = "" if self.below else options.base
        return plain_branch(asked or (self.policy.base if self.policy else "") or "", options.remote)

    def _is_items(self, name: str) -> bool:
        return self.policy is not None and ItemBranches(self.policy)(name)

    def _base_of(self, kind: str) -> str:
        """The base of a kind, where it is one branch for all; empty for the policy's own."""
        found = self.policy.declared("work_kinds").get(kind) if self.policy is not None else None
        return found.base if found and "{" not in found.base and found.base != self.base else ""

    def _find(self, git: Git, options: RunOptions, base: str) -> None:
        request = Request(directory=options.directory, environment=options.environment, base=base)
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
    base, below = known.first(options), known.below
    alone = _needs_no_remote(known.policy, options)
    address = find_address(remote.settings, options.remote, expected, root=root, alone=alone)
    heads = _heads(remote, address)
    for _ in range(_MOST_MOVES):
        base = base or heads.default or known.base or "main"
        oid = _fetched(git, options, remote, address, heads, base)
        tips = _tips(git, options, remote, address, heads)
        start = Start(git, options, base, oid, tips, _below(git, below, oid, tips))
        wanted, lower = start.wanted_base(options, base), start.wanted_below(options)
        alone = _needs_no_remote(start.policy, options)
        moved = find_address(remote.settings, options.remote, start.remote, root=root, alone=alone)
        if wanted == base and moved == address and lower == below:
            if _must_be_there(start, lower, options):
                # It may be there and be merged already.
                _fetched(git, options, remote, address, heads, lower)
            return start, address, heads
        if moved != address:
            address, heads = moved, _heads(remote, moved)
        base, below = wanted, lower
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
    base, below = known.first(options), known.below
    expected = (known.policy.remote if known.policy else "") or ""
    alone = _needs_no_remote(known.policy, options)
    address = find_address(settings, options.remote, expected, root=root, alone=alone)
    heads = "refs/heads" if address.here else f"refs/remotes/{options.remote}"
    for _ in range(_MOST_MOVES):
        base = base or known.base or "main"
        ref, oid = _as_fetched(git, options, base)

        def tips(branch: str) -> str | None:
            return next(iter(git.repository.refs_named([f"{heads}/{branch}"]).values()), None)

        def fetched(branch: str) -> str | None:
            refs = [f"{heads}/{branch}", f"refs/heads/{branch}"]
            return next(iter(git.repository.refs_named(refs).values()), None)

        start = Start(git, options, base, oid, tips, _below(git, below, oid, fetched))
        wanted, lower = start.wanted_base(options, base), start.wanted_below(options)
        if wanted == base and lower == below:
            if _must_be_there(start, lower, options):
                _as_fetched(git, options, lower)
            alone = _needs_no_remote(start.policy, options)
            address = find_address(settings, options.remote, start.remote, root=root, alone=alone)
            return start, address, short_name(ref)
        base, below = wanted, lower
    raise _circular(base)


def _as_fetched(git: Git, options: RunOptions, branch: str) -> tuple[str, str]:
    """The ref of a branch as it was fetched last, or that of the local one, and its commit."""
    refs = [f"refs/remotes/{options.remote}/{branch}", f"refs/heads/{branch}"]
    found = git.repository.refs_named(refs)
    ref = next((one for one in refs if one in found), "")
    if not ref:
        raise SpecguardError(
            f"the base {branch} was never fetched; tried: {', '.join(refs)}",
            help=shlex.join(["git", "fetch", options.remote, branch]),
            code="no-base",
        )
    return ref, git.commit(found[ref]).oid


def _below(git: Git, name: str, base: str, tips: Tips) -> Found | None:
    """A branch to be stacked on; None where it is not there, or was merged."""
    oid = tips(name) if name else None
    if oid is None or is_within(git, oid, base):
        return None
    return Found(name, oid, "stack", f"refs/heads/{name}")


def _must_be_there(start: Start, name: str, options: RunOptions) -> bool:
    """Whether a branch has been named to be stacked on; what a template makes may be merged and gone."""
    template = start.item.settings.base if start.item else ""
    return bool(name) and start.below is None and (bool(options.base) or "{" not in template)


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


MESSAGE: Final = "chore: baseline"
"""The message of the first commit."""


def ensure_repository(
    directory: str,
    environment: Mapping[str, str],
    *,
    make: bool,
    commit: bool,
    base: str = "",
    only_say: bool = False,
) -> Iterator[str]:
    """Make a repository, and a first commit of all files, where there is none.

    Args:
        directory: the folder; empty: the working directory.
        environment: the user's.
        make: whether a repository is made where the folder is in none.
        commit: whether the files are committed where there is no commit yet; `.gitignore` leaves out what it
            does.
        base: the first branch of a repository that is made; empty: `main`.
        only_say: whether it is only said what would be done.

    Yields:
        What was done, or would be, in one sentence each.

    Raises:
        SpecguardError: git cannot do it, or no run could begin from what is there; nothing is made then.
    """
    folder = os.path.abspath(directory or os.curdir)
    would = "would have " if only_say else ""
    new = make and not _inside(folder)
    if new and not commit:
        raise SpecguardError(
            f"{folder} is in no git repository, and a run begins from a commit",
            help="--baseline-commit makes the first one, beside --ensure-git",
            code="no-repository",
        )
    if not commit:
        return
    root = None if new else Repository.locate(directory, environment)
    if root is not None and root.head is not None:
        return
    where = folder if root is None else root.work_tree()
    if not any(os.path.lexists(os.path.join(where, name)) for name in DEFAULTS):
        steps = [["git", "init", "-q", f"--initial-branch={base or 'main'}"]] if new else []
        words = [["cd", where], *steps, ["specguard", "init", "--preset", "planner-pipeline"]]
        raise SpecguardError(
            f"there is no authority in {where}, and nothing was made",
            help=f"write one first: {' && '.join(map(shlex.join, words))}",
            code="no-authority",
        )
    _git(folder, environment, "var", "GIT_COMMITTER_IDENT")
    if new:
        if not only_say:
            _git(folder, environment, "init", "-q", f"--initial-branch={base or 'main'}")
        yield f"{would}made a git repository in {folder}"
    if not only_say:
        _git(where, environment, "add", "--all")
        _git(where, environment, "commit", "-q", "--allow-empty", "-m", MESSAGE)
    yield f"{would}committed the files of {where} as {MESSAGE!r}"


def _inside(folder: str) -> bool:
    """Whether a folder is in a repository, in the way in which git looks for one."""
    while True:
        if os.path.lexists(os.path.join(folder, ".git")):
            return True
        above = os.path.dirname(folder)
        if above == folder:
            return False
        folder = above


def _git(folder: str, environment: Mapping[str, str], *words: str) -> None:
    program = find_program("git", environment)
    if program is None:
        raise SpecguardError("git is not on the path", help="install git", code="program-missing")
    # A folder is meant, whatever a hook's environment says.
    own = {name: value for name, value in environment.items() if name not in INHERITED}
    done = subprocess.run(
        [program, "-C", folder, *words],
        env=own,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip().split("\n")[0]
        raise SpecguardError(
            f"git {words[0]} failed: {said or f'it ended with {done.returncode}'}",
            path=folder,
            help=f"try it there: git {words[0]}",
            code="git-failed",
        )
