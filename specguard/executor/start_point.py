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
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from hashlib import sha256
from pathlib import PurePath
from typing import Final

from filelock import FileLock, Timeout

from specguard.authority.load import DEFAULTS
from specguard.authority.policy import Policy
from specguard.change.base import Found, find_base
from specguard.change.check_request import Request
from specguard.change.git import Git
from specguard.change.repository import INHERITED, Repository, find_program, short_name
from specguard.change.tree import Tree
from specguard.declaration.patterns import Covering
from specguard.engine.policies import ItemBranches, Policies
from specguard.errors import MissingFact, SpecguardError
from specguard.executor.item_choice import Start, is_paper, is_within, shares, taken, task_of
from specguard.executor.place import places_folder
from specguard.executor.remote import Address, Heads, RemoteGit, find_address, read_settings
from specguard.executor.run import RunOptions
from specguard.plans.task import Task
from specguard.runs.files import about_run, item_folder
from specguard.runs.manifests import MANIFEST, Manifest, RunFolder, new_run_id, recording
from specguard.runs.views import RunStore
from specguard.work.changes import task_kinds

_MOST_MOVES: Final = 4


class Canonical:
    """The canonical repository, asked for its branches or, for a plan, as it was fetched last.

    Args:
        git: reads the user's repository.
        options: what was asked for.
        remote: asks it; None: what was fetched last counts.

    Attributes:
        heads: its branches, once it was asked.
        address: its address, once it was looked at.
    """

    heads: Heads | None = None
    address: Address

    def __init__(self, git: Git, options: RunOptions, remote: RemoteGit | None = None) -> None:
        self.git = git
        self.options = options
        self._remote = remote

    def look(self, address: Address) -> None:
        """Take an address for that of the canonical repository, and ask it for its branches.

        Raises:
            RemoteError: it cannot be reached.
        """
        self.address = address
        if self._remote is not None:
            self.heads = self._remote.heads(address.fetch)

    def tip(self, branch: str) -> str | None:
        """The tip of a branch, which is in the object store then; None if there is no such branch."""
        refs, repository = self._refs(branch), self.git.repository
        if self.heads is None or self._remote is None:
            return self._fetched(refs[1:] if self.address.here else refs[:1])[1]
        oid = self.heads.branches.get(branch)
        known = [one for one in (*repository.refs_named(refs).values(), repository.head) if one]
        return oid if oid is None or oid in known else self._remote.fetch(self.address.fetch, branch, known)

    def base(self, branch: str) -> str | None:
        """The same of a branch that a run may start from; where nobody is asked it may be here alone."""
        return self.tip(branch) if self.heads is not None else self._fetched(self._refs(branch))[1]

    def commit(self, branch: str) -> str:
        """The same of a branch that has to be there.

        Raises:
            SpecguardError: there is no such branch.
        """
        oid = self.base(branch)
        if oid is not None:
            return oid
        remote, name = shlex.quote(self.options.remote), shlex.quote(branch)
        if self.heads is None:
            said = f"the base {branch} was never fetched; tried: {', '.join(self._refs(branch))}"
            raise SpecguardError(said, help=f"git fetch {remote} {name}", code="no-base")
        near = difflib.get_close_matches(branch, self.heads.branches, n=1)
        known = next(filter(None, [*near, self.heads.default, *self.heads.branches]), "")
        help = f"name the base: --base {shlex.quote(known)}" if known else f"git push {remote} {name}"
        if self.address.here and not self.heads.branches:
            help = "--baseline-commit makes the first one"
        raise SpecguardError(
            f"{self.address.shown} has no branch {branch}", help=help, code="remote-unsuitable"
        )

    def ref(self, branch: str) -> str:
        """The short name of the ref that a branch was fetched to."""
        return short_name(self._fetched(self._refs(branch))[0])

    def _refs(self, branch: str) -> list[str]:
        return [f"refs/remotes/{self.options.remote}/{branch}", f"refs/heads/{branch}"]

    def _fetched(self, refs: Sequence[str]) -> tuple[str, str | None]:
        """The first of some refs that is there, with its commit."""
        found = self.git.repository.refs_named(refs)
        return next(((ref, found[ref]) for ref in refs if ref in found), ("", None))


def fetched_base(git: Git, options: RunOptions, asked: str = "") -> tuple[str, str, Policy | None]:
    """The base as it was fetched last: its name, its commit and its policy, each as far as it is known."""
    name, oid, policy = "", "", None
    # It is only where to begin: what counts is read from what the remote has.
    with suppress(SpecguardError, MissingFact):
        request = Request(directory=options.directory, environment=options.environment, base=asked)
        found = find_base(git, request, remote=options.remote)
        if found is not None and found.oid:
            name, oid = plain_branch(short_name(found.ref) or found.name, options.remote), found.oid
            policy = _policy(git, options, Tree(git, git.commit(oid).tree))
    return name, oid, policy


def start_from(source: Canonical, *, root: str) -> Start:
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
    asked = plain_branch(options.base, options.remote)
    fetched, _, known = fetched_base(git, options)
    base, below = asked, ""
    if asked and not (known is not None and ItemBranches(known)(asked)):
        known = fetched_base(git, options, asked)[2] or known
    elif known is not None:
        base, below = plain_branch(known.base or "", options.remote), asked
        # The list that the item stands in may be on the branch of its kind alone.
        kind = known.declared("work_kinds").get(options.kind)
        if not asked and kind is not None and "{" not in kind.base and kind.base != fetched:
            below = kind.base

    settings = read_settings(git.repository)

    def canonical(policy: Policy | None, expected: str) -> Address:
        # Tasks and papers need no remote; where no policy is known yet, what is missing is the policy.
        alone = policy is None or options.kind in task_kinds(policy) or is_paper(policy, options.kind)
        return find_address(settings, options.remote, expected, root=root, alone=alone)

    source.look(canonical(known, (known.remote if known else "") or ""))
    for _ in range(_MOST_MOVES):
        base = base or (source.heads.default if source.heads else "") or fetched or "main"
        oid = source.commit(base)
        tip = source.base(below) if below else None
        found = None
        # One that was merged is not stood on.
        if tip is not None and not is_within(git, tip, oid):
            found = Found(below, tip, "stack", f"refs/heads/{below}")
        start = Start(git, options, base, oid, policy_at(git, options, base, oid), source.tip, found)
        item, policy, is_items = start.item, start.policy, ItemBranches(start.policy)
        lower = plain_branch(asked or (item.base if item.settings.base else ""), options.remote)
        lower = lower if lower and is_items(lower) else ""
        wanted = asked if asked and asked != lower else plain_branch(policy.base or base, options.remote)
        lower = "" if lower == base else lower
        moved = canonical(policy, item.remote or policy.remote or "")
        if wanted == base and moved == source.address and lower == below:
            # A branch that was named has to be there, merged or not; what a template makes may be gone.
            if lower and found is None and (asked or "{" not in item.settings.base):
                source.commit(lower)
            return start
        if moved != source.address:
            source.look(moved)
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
        commit: whether the files are committed where there is no commit yet.
        base: the first branch of a repository that is made; empty: `main`.
        only_say: whether it is only said what would be done.

    Yields:
        What was done, or would be, in one sentence each.

    Raises:
        SpecguardError: git cannot do it, or no run could begin from what is there; nothing is made then.
    """
    where = folder = os.path.abspath(directory or os.curdir)
    above = (folder, *map(str, PurePath(folder).parents))
    new = make and not any(os.path.lexists(os.path.join(one, ".git")) for one in above)
    if new and not commit:
        raise SpecguardError(
            f"{folder} is in no git repository, and a run begins from a commit",
            help="--baseline-commit makes the first one, beside --ensure-git",
            code="no-repository",
        )
    if not commit:
        return
    if not new:
        repository = Repository.locate(directory, environment)
        if repository.head is not None:
            return
        where = repository.work_tree()
    if not any(os.path.lexists(os.path.join(where, name)) for name in DEFAULTS):
        words = ["specguard", "init", "-C", where, "--preset", "planner-pipeline"]
        raise SpecguardError(
            f"there is no authority in {where}, and nothing was made",
            help=f"write one first: git init {shlex.quote(where)} && {shlex.join(words)}",
            code="no-authority",
        )
    _git(folder, environment, "var", "GIT_COMMITTER_IDENT")
    would = "would have " if only_say else ""
    if new:
        if not only_say:
            _git(folder, environment, "init", "-q", f"--initial-branch={base or 'main'}")
        yield f"{would}made a git repository in {folder}"
    if not only_say:
        _git(where, environment, "add", "--all")
        _git(where, environment, "commit", "-q", "--allow-empty", "-m", "chore: baseline")
    yield f"{would}committed the files of {where} as 'chore: baseline'"


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
            run_id = running[-1] if running else ""
            which = f": {run_id}" if run_id else ", with another folder of runs"
            raise taken(
                f"another run works on {item.label}{which}",
                shlex.join(about_run("status", run_id, self._given if run_id else "")),
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
                f"{reused!r} has to name one run of {self._item.label}",
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
    with recording(root):
        os.makedirs(root, mode=0o755, exist_ok=True)
    try:
        beginning = FileLock(os.path.join(root, name), timeout=_WAIT).acquire()
    except Timeout:
        said = f"another run of the plan {task.plan.name} has been beginning for {_WAIT:g} seconds"
        raise taken(said, "specguard run status") from None
    with beginning:
        for manifest in _under_way(root, remote, task):
            _check(start, task, manifest)
        yield


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
    theirs = other.expected_paths if other is not None else None
    if manifest.branch in start.item.branches and not shares(start.policy, start.item):
        said = f"the run of {manifest.item.id} works on the same branch, {manifest.branch}"
    else:
        said = clash(task.id, task.expected_paths, manifest.item.id, theirs)
    if said:
        help = f"specguard run status {manifest.run_id}; start this one when it has ended"
        path = os.fsdecode(task.plan.path)
        raise SpecguardError(said, help=help, path=path, line=task.line, code="item-taken")


def clash(one: str, mine: Covering | None, other: str, theirs: Covering | None) -> str:
    """Why two items cannot be worked on beside each other, as a sentence; empty if they can.

    Args:
        one: what the one is called.
        mine: the paths that it may change; None if nothing states them.
        other: what the other one is called.
        theirs: its paths.
    """
    if not mine or not theirs:
        return f"{one if not mine else other} does not say which files it may change"
    pairs = ((pattern, second) for pattern in mine.patterns for second in theirs.patterns)
    found = next((pair for pair in pairs if meet(*pair)), None)
    return f"{one} may change {found[0]}, and {other} {found[1]}" if found else ""


_WILDCARD: Final = re.compile(r"[*?\[\\]")


def meet(one: str, other: str) -> bool:
    """True if two patterns, each of which covers all below its match, could match one path.

    A pattern counts up to its first wildcard, so a few that have nothing in common are said to.
    """
    shorter, longer = sorted(map(_beginning, (one, other)), key=len)
    return longer.startswith(shorter)


def _beginning(pattern: str) -> str:
    """What all that a pattern matches begins with."""
    before, *wild = _WILDCARD.split(pattern.removeprefix("./"), maxsplit=1)
    return before if wild else before.rstrip("/") + "/"
