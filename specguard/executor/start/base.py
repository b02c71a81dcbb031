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
from specguard.change.git import Git, History
from specguard.change.repository import INHERITED, Repository, find_program, short_name
from specguard.change.request import Request
from specguard.change.tree import Documents, Tree
from specguard.engine.policies import ItemBranches, Policies
from specguard.errors import MissingFact, SpecguardError
from specguard.executor.item import Plain, is_paper, is_within, shared_branch
from specguard.executor.remote.git import (
    Address,
    RemoteError,
    RemoteGit,
    Setting,
    find_address,
    read_settings,
)
from specguard.executor.start.choice import Chooser
from specguard.work.changes import task_kinds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from specguard.authority.policy import Policy
    from specguard.executor.item import Tips
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


class AsFetched:
    """The canonical repository as it was fetched last, which is not asked; for a plan.

    Attributes:
        settings: the user's configuration.
        default: the branch that its `HEAD` names; empty where that is not known.
    """

    default = ""

    def __init__(self, git: Git, options: RunOptions) -> None:
        self.settings: Sequence[Setting] = read_settings(git.repository)
        self.git = git
        self.options = options
        self._heads = ""

    def look(self, address: Address) -> None:
        """Take an address for that of the canonical repository."""
        self._heads = "refs/heads" if address.here else f"refs/remotes/{self.options.remote}"

    def commit(self, branch: str) -> str:
        """The tip of a branch, which is in the object store then.

        Raises:
            SpecguardError: there is no such branch, or it cannot be had.
        """
        return self.git.commit(self._known(branch)[1]).oid

    def tip(self, branch: str) -> str | None:
        """The same of a branch that need not be there; None where it is not."""
        return next(iter(self.git.repository.refs_named([f"{self._heads}/{branch}"]).values()), None)

    def below(self, branch: str) -> str | None:
        """The same of a branch that the item's may be stacked on."""
        return self.tip(branch) or self.git.repository.refs_named([f"refs/heads/{branch}"]).get(
            f"refs/heads/{branch}"
        )

    def ref(self, branch: str) -> str:
        """The short name of the ref that a branch is read from."""
        return short_name(self._known(branch)[0])

    def _known(self, branch: str) -> tuple[str, str]:
        refs = [f"refs/remotes/{self.options.remote}/{branch}", f"refs/heads/{branch}"]
        found = self.git.repository.refs_named(refs)
        ref = next((one for one in refs if one in found), "")
        if not ref:
            raise SpecguardError(
                f"the base {branch} was never fetched; tried: {', '.join(refs)}",
                help=shlex.join(["git", "fetch", self.options.remote, branch]),
                code="no-base",
            )
        return ref, found[ref]


class FromRemote(AsFetched):
    """The canonical repository as it is, whose branches are fetched.

    Attributes:
        heads: its branches, once it was looked at.
    """

    def __init__(self, git: Git, options: RunOptions, remote: RemoteGit) -> None:
        self.settings = remote.settings
        self.git = git
        self.options = options
        self._remote = remote

    def look(self, address: Address) -> None:
        """Ask it for its branches.

        Raises:
            SpecguardError: it cannot be reached.
        """
        self._address = address
        try:
            self.heads = self._remote.heads(address.fetch)
        except RemoteError as error:
            raise _unreachable(address, error) from error
        self.default = self.heads.default

    def commit(self, branch: str) -> str:
        """The tip of a branch, which is in the object store then.

        Raises:
            SpecguardError: there is no such branch, or it cannot be had.
        """
        if branch not in self.heads.branches:
            raise self._no_branch(branch)
        repository, remote = self.git.repository, self.options.remote
        names = [f"refs/remotes/{remote}/{branch}", f"refs/heads/{branch}"]
        known = [oid for oid in (*repository.refs_named(names).values(), repository.head) if oid]
        if self.heads.branches[branch] in known:
            return self.heads.branches[branch]
        try:
            return self._remote.fetch(self._address.fetch, branch, known)
        except RemoteError as error:
            raise _unreachable(self._address, error) from error

    def tip(self, branch: str) -> str | None:
        """The same of a branch that need not be there; None where it is not."""
        return self.commit(branch) if branch in self.heads.branches else None

    below = tip

    def _no_branch(self, branch: str) -> SpecguardError:
        shown, branches = self._address.shown, self.heads.branches
        near = difflib.get_close_matches(branch, branches, n=1)
        if not branches and self._address.here:
            return SpecguardError(
                f"{shown} has no commit on a branch yet",
                help="--baseline-commit makes the first one",
                code="no-base",
            )
        if not branches:
            return SpecguardError(
                f"{shown} has no branches yet",
                help=f"git push {shlex.quote(self.options.remote)} {shlex.quote(branch)}",
                code="remote-unsuitable",
            )
        return SpecguardError(
            f"{shown} has no branch {branch}" + (f", but {near[0]}" if near else ""),
            help=f"name the base: --base {shlex.quote(near[0] if near else self.default or 'BRANCH')}",
            code="remote-unsuitable",
        )


def start_from(source: AsFetched, *, root: str) -> tuple[Start, Address]:
    """Find out where the base is at the canonical repository, and read the policy and the item there.

    The policy of the base may name another base or another repository, whose policy then counts.

    Args:
        source: the canonical repository, asked or as it was fetched last.
        root: the root of the working tree.

    Raises:
        SpecguardError: the remote is not the canonical repository or cannot be reached; there is no such
            branch, policy or item.
    """
    git, options = source.git, source.options
    known = Known(git, options)
    base, below = known.first(options), known.below

    def canonical(policy: Policy | None, expected: str) -> Address:
        alone = _needs_no_remote(policy, options)
        return find_address(source.settings, options.remote, expected, root=root, alone=alone)

    address = canonical(known.policy, (known.policy.remote if known.policy else "") or "")
    source.look(address)
    for _ in range(_MOST_MOVES):
        base = base or source.default or known.base or "main"
        oid = source.commit(base)
        start = Start(git, options, base, oid, source.tip, _below(git, below, oid, source.below))
        wanted, lower = start.wanted_base(options, base), start.wanted_below(options)
        moved = canonical(start.policy, start.remote)
        if wanted == base and moved == address and lower == below:
            if _must_be_there(start, lower, options):
                # It may be there and be merged already.
                source.commit(lower)
            return start, address
        if moved != address:
            address = moved
            source.look(address)
        base, below = wanted, lower
    raise SpecguardError(
        f"the policy of each base names another one, at last {base}",
        help="have the bases agree on `base`, or name one with --base",
        code="broken-authority",
    )


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


def _plain(git: Git, oid: str | None) -> Plain | None:
    return None if oid is None else Plain(git, oid)


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
