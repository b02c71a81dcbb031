"""The start of a run, and its claim on its item.

It starts at the tip of the base at the canonical repository, with the policy and the item there. One run
works on an item at a time, and none while an earlier one has not ended.

This is the one place where specguard writes to the user's own checkout: git is run there as the user would
run it, with their settings and hooks, and nothing that is there is ever changed.
"""

from __future__ import annotations

import difflib
import os
import re
import shlex
import subprocess
from contextlib import ExitStack, contextmanager
from functools import cache
from hashlib import sha256
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

from filelock import FileLock, Timeout

from specguard.authority.load import DEFAULTS
from specguard.change.base import Found, find_base, papers_of
from specguard.change.check_request import Request
from specguard.change.git import Git, History
from specguard.change.repository import INHERITED, Repository, find_program, short_name
from specguard.change.tree import Documents, Tree
from specguard.engine.policies import ItemBranches, Policies
from specguard.errors import MissingFact, SpecguardError
from specguard.executor.item_choice import (
    Chooser,
    Plain,
    is_paper,
    is_within,
    shared_branch,
    shares,
    taken,
    task_of,
)
from specguard.executor.place import places_folder
from specguard.executor.remote import Address, GitSetting, RemoteGit, find_address, read_settings
from specguard.runs.files import about_run, item_folder
from specguard.runs.manifests import MANIFEST, RunFolder, new_run_id, recording
from specguard.runs.views import RunStore
from specguard.work.changes import task_kinds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from specguard.authority.policy import Policy
    from specguard.declaration.patterns import Covering
    from specguard.executor.item_choice import Tips
    from specguard.executor.run import RunOptions
    from specguard.plans.task import Task
    from specguard.runs.manifests import Manifest
    from specguard.work.item import WorkItem
    from specguard.work.named_items import Work


_MOST_MOVES: Final = 4


class Start:
    """The start of a run.

    Attributes:
        base: the short name of the base branch.
        oid: its commit.
        policy: what is judged by, read from there.
        item: the work item, as it is there.
        shared: the item's branch as the canonical repository has it, where it may be there already.
        work: the work items there.
        documents: the documents there.
        history: the commits there.
        below: the branch that the item's is stacked on: not in the base yet, and its papers count where the
            base has none; None if there is none.
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
        self.policy = policy = policy_at(git, options, base, oid)
        self.history = History(git, oid, below.oid if below else None)
        if below is not None and below.oid:
            tree = papers_of(git, oid, below.oid)
        chooser = Chooser(
            options,
            policy,
            tree,
            self.history,
            lambda branch: Plain(git, tip) if (tip := tips(branch)) is not None else None,
            oid,
            short_name(git.repository.branch or ""),
        )
        self.work: Work = chooser.work
        self.documents: Documents = chooser.documents
        self.item: WorkItem = chooser.item()
        self.shared = shared_branch(git, policy, self.item, base=oid, tips=tips)

    @property
    def remote(self) -> str:
        """The address of the canonical repository as the policy has it; empty if it has none."""
        return self.item.remote or self.policy.remote or ""

    def wanted_base(self, options: RunOptions, otherwise: str) -> str:
        """The branch that the run is to start from."""
        asked = "" if self.is_items(options.base, options.remote) else options.base
        return plain_branch(asked or self.policy.base or otherwise, options.remote)

    def wanted_below(self, options: RunOptions) -> str:
        """The branch that the item's is to be stacked on: the one that is asked for, or its kind's."""
        name = options.base or (self.item.base if self.item.settings.base else "")
        below = plain_branch(name, options.remote) if self.is_items(name, options.remote) else ""
        return "" if below == self.base else below

    def is_items(self, name: str, remote: str) -> bool:
        """True if the policy knows a branch as one that items are stacked on."""
        return bool(name) and ItemBranches(self.policy)(plain_branch(name, remote))

    @property
    def into(self) -> str:
        """The branch that the item's is to be merged into."""
        return self.below.name if self.below else self.base


class Known:
    """The state before the remote is asked: the base as it was fetched last.

    Attributes:
        base: its short name; empty if there is none.
        oid: its commit; empty if there is none.
        policy: its policy; None if there is none that can be read.
        below: the base that is asked for, where that policy knows it as an item's branch; else empty.
    """

    def __init__(self, git: Git, options: RunOptions) -> None:
        self.base = self.oid = self.below = ""
        asked = plain_branch(options.base, options.remote)
        policy = self.policy = self._find(git, options, "")
        if asked and not (policy is not None and ItemBranches(policy)(asked)):
            self.policy = self._find(git, options, asked) or policy
            return
        # The list that the item stands in may be on that branch alone, or on that of its kind.
        kind = policy.declared("work_kinds").get(options.kind) if policy is not None else None
        usual = kind.base if kind and "{" not in kind.base and kind.base != self.base else ""
        self.below = asked or usual

    def first(self, options: RunOptions) -> str:
        """The base to begin with; empty if nothing says."""
        asked = "" if self.below else options.base
        return plain_branch(asked or (self.policy.base if self.policy else "") or "", options.remote)

    def _find(self, git: Git, options: RunOptions, base: str) -> Policy | None:
        request = Request(directory=options.directory, environment=options.environment, base=base)
        try:
            found = find_base(git, request, remote=options.remote)
            if found is None or not found.oid:
                return None
            self.base = plain_branch(short_name(found.ref) or found.name, options.remote)
            self.oid = found.oid
            return _policy(git, options, Tree(git, git.commit(found.oid).tree))
        except (SpecguardError, MissingFact):
            # It is only where to begin: what counts is read from what the remote has.
            return None


class AsFetched:
    """The canonical repository as it was fetched last, which is not asked; for a plan.

    Attributes:
        settings: the user's configuration.
        default: the branch that its `HEAD` names; empty if that is not known.
    """

    default = ""

    def __init__(self, git: Git, options: RunOptions) -> None:
        self.settings: Sequence[GitSetting] = read_settings(git.repository)
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
        """The same of a branch that need not be there; None if it is not."""
        return next(iter(self.git.repository.refs_named([f"{self._heads}/{branch}"]).values()), None)

    def below(self, branch: str) -> str | None:
        """The same of a branch that the item's may be stacked on."""
        name = f"refs/heads/{branch}"
        return self.tip(branch) or self.git.repository.refs_named([name]).get(name)

    def ref(self, branch: str) -> str:
        """The short name of the ref that a branch is read from."""
        return short_name(self._known(branch)[0])

    def _known(self, branch: str) -> tuple[str, str]:
        refs = [f"refs/remotes/{self.options.remote}/{branch}", f"refs/heads/{branch}"]
        found = self.git.repository.refs_named(refs)
        for ref in refs:
            if ref in found:
                return ref, found[ref]
        raise SpecguardError(
            f"the base {branch} was never fetched; tried: {', '.join(refs)}",
            help=shlex.join(["git", "fetch", self.options.remote, branch]),
            code="no-base",
        )


class FromRemote(AsFetched):
    """The canonical repository as it is, whose branches are fetched.

    Attributes:
        heads: its branches, once it was looked at.
    """

    def __init__(self, git: Git, options: RunOptions, remote: RemoteGit) -> None:
        super().__init__(git, options)
        self._remote = remote

    def look(self, address: Address) -> None:
        """Ask it for its branches.

        Raises:
            RemoteError: it cannot be reached.
        """
        self._address = address
        self.heads = self._remote.heads(address.fetch)
        self.default = self.heads.default

    def commit(self, branch: str) -> str:
        """The tip of a branch, which is in the object store then.

        Raises:
            SpecguardError: there is no such branch, or it cannot be had.
        """
        oid = self.heads.branches.get(branch)
        if oid is None:
            raise self._no_branch(branch)
        repository, remote = self.git.repository, self.options.remote
        names = [f"refs/remotes/{remote}/{branch}", f"refs/heads/{branch}"]
        known = [one for one in (*repository.refs_named(names).values(), repository.head) if one]
        return oid if oid in known else self._remote.fetch(self._address.fetch, branch, known)

    def tip(self, branch: str) -> str | None:
        """The same of a branch that need not be there; None if it is not."""
        return self.commit(branch) if branch in self.heads.branches else None

    below = tip

    def _no_branch(self, branch: str) -> SpecguardError:
        shown, branches, remote = self._address.shown, self.heads.branches, shlex.quote(self.options.remote)
        near = difflib.get_close_matches(branch, branches, n=1)
        if not branches and self._address.here:
            help = "--baseline-commit makes the first one"
            return SpecguardError(f"{shown} has no commit on a branch yet", help=help, code="no-base")
        help = f"git push {remote} {shlex.quote(branch)}"
        if not branches:
            return SpecguardError(f"{shown} has no branches yet", help=help, code="remote-unsuitable")
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
        # Tasks and papers need no remote; where no policy is known yet, what is missing is the policy.
        alone = policy is None or options.kind in task_kinds(policy) or is_paper(policy, options.kind)
        return find_address(source.settings, options.remote, expected, root=root, alone=alone)

    address = canonical(known.policy, (known.policy.remote if known.policy else "") or "")
    source.look(address)
    for _ in range(_MOST_MOVES):
        base = base or source.default or known.base or "main"
        oid = source.commit(base)
        tip = source.below(below) if below else None
        found = None
        # One that was merged is not stood on.
        if tip is not None and not is_within(git, tip, oid):
            found = Found(below, tip, "stack", f"refs/heads/{below}")
        start = Start(git, options, base, oid, source.tip, found)
        wanted, lower = start.wanted_base(options, base), start.wanted_below(options)
        moved = canonical(start.policy, start.remote)
        if wanted == base and moved == address and lower == below:
            # A branch that was named has to be there, merged or not; what a template makes may be gone.
            if lower and found is None and (options.base or "{" not in start.item.settings.base):
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


def plain_branch(name: str, remote: str) -> str:
    """The short name of a branch of a remote, however it is written: `origin/main`, `refs/heads/main`."""
    for prefix in ("refs/heads/", f"refs/remotes/{remote}/", f"{remote}/"):
        if name.startswith(prefix):
            return name[len(prefix) :]
    return name


def policy_at(git: Git, options: RunOptions, base: str, oid: str) -> Policy:
    """The policy of a base, which is trusted.

    Raises:
        SpecguardError: there is none.
    """
    policy = _policy(git, options, Tree(git, git.commit(oid).tree))
    if policy is None:
        raise SpecguardError(
            f"there is no authority in {base}, at commit {oid[:10]}",
            help="bring SPEC_AUTHORITY.md there first (`specguard init` writes one), or name --base",
            code="no-authority",
        )
    policy.ref, policy.trusted = oid, True
    return policy


def _policy(git: Git, options: RunOptions, tree: Tree) -> Policy | None:
    request = Request(directory=options.directory, environment=options.environment)
    return Policies(request, git.repository).load(tree)


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
    above = (folder, *map(str, PurePath(folder).parents))
    new = make and not any(os.path.lexists(os.path.join(one, ".git")) for one in above)
    if new and not commit:
        raise SpecguardError(
            f"{folder} is in no git repository, and a run begins from a commit",
            help="--baseline-commit makes the first one, beside --ensure-git",
            code="no-repository",
        )
    root = None if new or not commit else Repository.locate(directory, environment)
    if not commit or (root is not None and root.head is not None):
        return
    where = folder if root is None else root.work_tree()
    init = ["git", "init", "-q", f"--initial-branch={base or 'main'}"]
    if not any(os.path.lexists(os.path.join(where, name)) for name in DEFAULTS):
        words = [
            ["cd", where],
            *([init] if new else []),
            ["specguard", "init", "--preset", "planner-pipeline"],
        ]
        raise SpecguardError(
            f"there is no authority in {where}, and nothing was made",
            help=f"write one first: {' && '.join(map(shlex.join, words))}",
            code="no-authority",
        )
    _git(folder, environment, "var", "GIT_COMMITTER_IDENT")
    if new:
        if not only_say:
            _git(folder, environment, *init[1:])
        yield f"{would}made a git repository in {folder}"
    if not only_say:
        _git(where, environment, "add", "--all")
        _git(where, environment, "commit", "-q", "--allow-empty", "-m", MESSAGE)
    yield f"{would}committed the files of {where} as {MESSAGE!r}"


def _git(folder: str, environment: Mapping[str, str], *words: str) -> None:
    # A folder is meant, whatever a hook's environment says.
    own = {name: value for name, value in environment.items() if name not in INHERITED}
    program = find_program("git", environment) or "git"
    done = subprocess.run(
        [program, "-C", folder, *words], env=own, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    if done.returncode:
        said = (done.stderr or done.stdout).decode("utf-8", "replace").strip().split("\n")[0]
        raise SpecguardError(
            f"git {words[0]} failed: {said or f'it ended with {done.returncode}'}",
            path=folder,
            help=f"try it there: git {words[0]}",
            code="git-failed",
        )


EARLIER: Final = "earlier"
"""In a folder that is used again: what the run before it left."""

_NOT_ENDED: Final = frozenset({"pending", "running"})
_WAIT: Final = 30.0
"""So many seconds a run waits for another one that begins."""


class ItemLock:
    """The claim on an item, held until the process ends or `release` is called.

    Args:
        root: the folder of all runs.
        manifest: of the run: its item, its branch, and the canonical repository, which tells items of several
            repositories apart.
        repository: the user's, where a run with another folder of runs is to be seen as well.
        given: whether the folder is not the policy's own, so that commands have to name it.

    Raises:
        SpecguardError: another run has the claim, or the folder cannot be written to or is a link, which a
            change may have brought.
    """

    def __init__(
        self, root: str, manifest: Manifest, repository: Repository | None = None, *, given: bool = False
    ) -> None:
        item, branch, remote = manifest.item, manifest.branch or "", manifest.repository.remote or ""
        self._given = root if given else ""
        self.folder = os.path.join(root, item_folder(item.kind, item.id))
        self._item = item
        self._of = (branch, remote)
        files = [_lock_file(self.folder, remote, branch)]
        if os.path.islink(self.folder):
            raise SpecguardError(
                "the folder of the item's runs is a link, and is not written to",
                path=self.folder,
                help="remove the link",
                code="outside-repository",
            )
        if repository is not None:
            places = places_folder(repository.environment, repository.work_tree())
            name = _digest(os.path.realpath(repository.common), remote, item.kind, item.id, branch)[:24]
            files.append(os.path.join(os.path.dirname(places), "claims", f"{name}.lock"))
        try:
            with ExitStack() as locks, recording(self.folder):
                os.makedirs(self.folder, mode=0o755, exist_ok=True)
                for file in files:
                    os.makedirs(os.path.dirname(file), mode=0o700, exist_ok=True)
                    locks.enter_context(FileLock(file, timeout=0))
                self._locks = locks.pop_all()
        except Timeout:
            running = [manifest.run_id for manifest in self._mine() if manifest.state in _NOT_ENDED]
            run_id, root = (running[-1], self._given) if running else ("", "")
            which = f": {run_id}" if run_id else ", whose folder is not here" if repository else ""
            status, stop = (shlex.join(about_run(verb, run_id, root)) for verb in ("status", "stop"))
            status += "" if run_id else ", with its --run-root"
            raise taken(
                f"another run works on {item.label}{which}", f"{status}, and to end it: {stop}"
            ) from None

    def release(self) -> None:
        """Give the claim up."""
        self._locks.close()

    def new_folder(self, reused: str = "") -> RunFolder:
        """The folder of a new run.

        Args:
            reused: the id of an earlier run, or what it begins with, whose folder is used again; what is in
                it is moved to `earlier/`. Empty: none.

        Raises:
            SpecguardError: an earlier run of the item has not ended, or there is not one with that id.
        """
        found = [one for one in self._ids() if one.startswith(reused)] if reused else [new_run_id()]
        if len(found) != 1:
            raise SpecguardError(
                f"{'several runs' if found else 'no run'} of {self._item.label} with the id {reused}",
                path=self.folder,
                help=shlex.join(about_run("list", "", self._given)),
                code="item-taken",
            )
        for manifest in self._mine():
            # Whoever has the claim knows that a run which says it is running has died.
            if manifest.state in _NOT_ENDED and manifest.run_id != found[0]:
                died = RunFolder(os.path.join(self.folder, manifest.run_id), self._given)
                raise taken(
                    f"an earlier run of {self._item.label} died: {manifest.run_id}",
                    f"{died.command('resume')}; to give it up: {died.command('stop')}",
                )
        folder = RunFolder(os.path.join(self.folder, found[0]), self._given)
        if not reused:
            return folder
        with recording(folder.path):
            before = os.path.join(folder.path, EARLIER)
            os.makedirs(before, exist_ok=True)
            target = os.path.join(before, f"{len(os.listdir(before)) + 1:02d}")
            os.mkdir(target)
            for name in os.listdir(folder.path):
                if name != EARLIER:
                    os.rename(os.path.join(folder.path, name), os.path.join(target, name))
        return folder

    def _ids(self) -> list[str]:
        """The ids of the runs in the folder, the oldest first."""
        names = os.listdir(self.folder)
        return sorted(one for one in names if os.path.isfile(os.path.join(self.folder, one, MANIFEST)))

    def _mine(self) -> Iterator[Manifest]:
        """The manifests of earlier runs of this item in this repository; others share its name at most."""
        for run_id in self._ids():
            try:
                manifest = RunFolder(os.path.join(self.folder, run_id)).read_manifest()
            except SpecguardError:
                # One of an older layout, or a broken one, which `run doctor` tells of.
                continue
            if (manifest.branch or "", manifest.repository.remote or "") == self._of:
                yield manifest


def _digest(*texts: str) -> str:
    return sha256("\0".join(texts).encode("utf-8", "surrogateescape")).hexdigest()


def _lock_file(folder: str, remote: str, branch: str) -> str:
    """The file that is locked while a run of an item is under way, in the folder of the item's runs."""
    return os.path.join(folder, f".{_digest(remote, branch)[:12]}.lock")


@contextmanager
def kept_apart(start: Start, root: str, remote: str) -> Iterator[None]:
    """Within it no other run of a task of the same plan begins; and those under way do not get in its way.

    Args:
        start: where the run starts.
        root: the folder of all runs.
        remote: the address of the canonical repository, as manifests have it.

    Raises:
        SpecguardError: a run under way may change the same files, or has the same branch.
        MissingFact: the plan cannot be read.
    """
    task = task_of(start.policy, start.item)
    if task is None:
        yield
        return
    name = f".plan-{_digest(remote, os.fsdecode(task.plan.path))[:12]}.lock"
    try:
        with recording(root):
            os.makedirs(root, mode=0o755, exist_ok=True)
            lock = FileLock(os.path.join(root, name), timeout=_WAIT)
            lock.acquire()
    except Timeout:
        raise taken(
            f"another run of the plan {task.plan.name} has been beginning for {_WAIT:g} seconds",
            "specguard run status",
        ) from None
    try:
        for manifest in _under_way(root, remote, task):
            _check(start, task, manifest)
        yield
    finally:
        lock.release()


def _under_way(root: str, remote: str, task: Task) -> Iterator[Manifest]:
    """The runs of other tasks of the plan whose process has their claim."""
    for view in RunStore(root).runs():
        manifest = view.manifest
        if manifest is None or not view.running or manifest.item.plan != os.fsdecode(task.plan.path):
            continue
        if (manifest.repository.remote or "") != remote or manifest.item.id == task.id:
            continue
        try:
            with FileLock(_lock_file(os.path.dirname(view.path), remote, manifest.branch or ""), timeout=0):
                # It has died: nobody works on it.
                continue
        except Timeout:
            yield manifest


def _check(start: Start, task: Task, manifest: Manifest) -> None:
    other = task.plan.task(manifest.item.id)
    mine, theirs = task.expected_paths, other.expected_paths if other is not None else None
    help = f"specguard run status {manifest.run_id}; start this one when it has ended"
    if manifest.branch in start.item.branches and not shares(start.policy, start.item):
        said = f"another run works on the branch {manifest.branch}, for {manifest.item.id}: {manifest.run_id}"
        help += '; or have a branch hold a whole plan, with `unit = "commit"`'
    elif not mine or not theirs:
        which = task.id if not mine else manifest.item.id
        said = f"{which} does not say which files it is expected to touch, and {manifest.run_id} is under way"
    elif (found := overlap(mine, theirs)) is not None:
        said = f"{task.id} may change {found[0]}, and {manifest.item.id}, which {manifest.run_id} works on, "
        said += found[1]
    else:
        return
    path = os.fsdecode(task.plan.path)
    raise SpecguardError(said, help=help, path=path, line=task.line, code="item-taken")


_SPECIAL: Final = re.compile(r"[*?\[\\]")
_BEHIND: Final = re.compile(r"[^*?\[\]\\]*\Z")


def overlap(one: Covering, other: Covering) -> tuple[str, str] | None:
    """A pattern of each that could match one path; None if none could.

    Each pattern covers all below its match. Of two segments with wildcards, what stands before the first and
    behind the last wildcard decides, so a few that have nothing in common are said to.
    """
    pairs = ((pattern, second) for pattern in one.patterns for second in other.patterns)
    return next((pair for pair in pairs if meet(*pair)), None)


def meet(one: str, other: str) -> bool:
    """True if two patterns could match one path."""
    left, right = _segments(one), _segments(other)

    @cache
    def from_here(i: int, j: int) -> bool:
        if i == len(left) and j == len(right):
            return True
        # `**` takes no folder, or the next one of the other side.
        if i < len(left) and left[i] == "**":
            return from_here(i + 1, j) or (j < len(right) and from_here(i, j + 1))
        if j < len(right) and right[j] == "**":
            return from_here(i, j + 1) or (i < len(left) and from_here(i + 1, j))
        if i == len(left) or j == len(right):
            return False
        return _segments_meet(left[i], right[j]) and from_here(i + 1, j + 1)

    return from_here(0, 0)


def _segments(pattern: str) -> Sequence[str]:
    parts = [part for part in pattern.removeprefix("./").split("/") if part]
    while parts and parts[-1] == "**":
        parts.pop()
    return [*parts, "**"]


def _segments_meet(one: str, other: str) -> bool:
    if not _SPECIAL.search(one) and not _SPECIAL.search(other):
        return one == other
    before = sorted((_SPECIAL.split(segment)[0] for segment in (one, other)), key=len)
    behind = sorted((match[0] for one in (one, other) if (match := _BEHIND.search(one))), key=len)
    return before[1].startswith(before[0]) and behind[1].endswith(behind[0])
