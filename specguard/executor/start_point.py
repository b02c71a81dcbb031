"""The start of a run, and its lock on its item.

A run starts at the tip of the base at the canonical repository, with the policy and the item there. Only one
run works on an item at a time, and none before an earlier one has ended.

Only `ensure_repository`, in this module, makes a repository or a commit in the user's own checkout. Git runs
there as the user would run it, with their settings and hooks. Existing files and commits are never changed.
"""

from __future__ import annotations

import math
import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import PurePath
from typing import Final

from filelock import FileLock, Timeout

from specguard.authority.load import DEFAULT_PATHS
from specguard.authority.policy import Policy
from specguard.change.base import FoundBase, find_base
from specguard.change.entries import text_digest
from specguard.change.git import Git
from specguard.change.repository import HOOK_VARIABLES, Repository, short_name
from specguard.declaration.patterns import Covering, can_overlap
from specguard.engine.trusted_policy import ItemBranches
from specguard.errors import MissingFact, SpecguardError
from specguard.executor.item_choice import Start, item_taken, shares_branch, task_of
from specguard.executor.place import places_folder
from specguard.executor.remote import Address, Heads, RemoteGit, read_settings, run_program
from specguard.executor.run import RunOptions
from specguard.model import Record
from specguard.plans.task import Task
from specguard.reporters.file_writing import path_in_tree
from specguard.runs import manifests
from specguard.runs.files import command_words, reporting_errors
from specguard.runs.manifests import Manifest, RunFolder, new_run_id
from specguard.runs.store import RunStore
from specguard.work.changes import task_kinds

_MOST_MOVES: Final = 4


class Canonical(Record, frozen=False):
    """The canonical repository: asked for its branches or, for a plan, as it was fetched last.

    Attributes:
        git: reads the user's repository.
        options: the options of the run.
        remote: contacts the repository; None: the last fetch is used.
        heads: its branches, now or as of the last fetch; none before `connect`.
        address: its address; set by `connect`.
    """

    git: Git
    options: RunOptions
    remote: RemoteGit | None = None
    heads: Heads = Heads("", {}, {})
    address: Address = Address("", "")

    def connect(self, address: Address) -> None:
        """Set the address of the canonical repository, and find its branches.

        Raises:
            RemoteError: the repository cannot be reached.
        """
        self.address = address
        if self.remote is not None:
            self.heads = self.remote.heads(address.fetch)
        elif not address.is_local:
            folder = f"refs/remotes/{self.options.remote}/"
            known = [ref for ref in self.git.repository.branches() if ref.name.startswith(folder)]
            self.heads = Heads("", {ref.name.removeprefix(folder): ref.oid for ref in known}, {})

    def tip(self, branch: str) -> str | None:
        """Return the tip of a branch, and fetch it if needed; None if the branch is missing."""
        refs, repository = self._refs(branch), self.git.repository
        if self.remote is None:
            return self._fetched(refs[1:] if self.address.is_local else refs[:1])[1]
        oid = self.heads.branches.get(branch)
        known = [one for one in (*repository.refs_named(refs).values(), repository.head) if one]
        return oid if oid is None or oid in known else self.remote.fetch(self.address.fetch, branch, known)

    def base_tip(self, branch: str) -> str | None:
        """Return the tip of a branch that a run may start from; offline, a local branch is enough."""
        return self.tip(branch) if self.remote is not None else self._fetched(self._refs(branch))[1]

    def require_tip(self, branch: str) -> str:
        """Return the tip of a branch that a run may start from and that must exist.

        Raises:
            SpecguardError: the branch does not exist.
        """
        if (oid := self.base_tip(branch)) is not None:
            return oid
        remote, name = shlex.quote(self.options.remote), shlex.quote(branch)
        if self.remote is None and not self.address.is_local:
            message = f"the base {branch} was never fetched; tried: {', '.join(self._refs(branch))}"
            raise SpecguardError(message, help=f"git fetch {remote} {name}", code="no-base")
        known = shlex.quote(self.heads.default or next(iter(self.heads.branches), ""))
        help = f"name the base: --base {known}" if self.heads.branches else f"git push {remote} {name}"
        if self.address.is_local:
            help = f"git branch {name}; if there is no commit yet, add --baseline-commit"
        message = f"{self.address.shown} has no branch {branch}"
        raise SpecguardError(message, help=help, code="remote-unsuitable")

    def ref(self, branch: str) -> str:
        """Return the short name of the ref that a branch was fetched to."""
        return short_name(self._fetched(self._refs(branch))[0])

    def _refs(self, branch: str) -> list[str]:
        return [f"refs/remotes/{self.options.remote}/{branch}", f"refs/heads/{branch}"]

    def _fetched(self, refs: Sequence[str]) -> tuple[str, str | None]:
        """Return the first existing ref of some refs, with its commit; an empty name and None without one."""
        found = self.git.repository.refs_named(refs)
        return next(((ref, found[ref]) for ref in refs if ref in found), ("", None))


def fetched_base(git: Git, options: RunOptions, named: str = "") -> tuple[FoundBase, Policy | None]:
    """Return the base as of the last fetch and its policy, as far as they are known.

    Args:
        git: reads the user's repository.
        options: the options of the run.
        named: the branch; empty: what a check would take. The result has its short name.
    """
    found, policy = FoundBase(), None
    # This is only a starting point; the remote's state is read later.
    with suppress(SpecguardError, MissingFact):
        found = find_base(git, options.request(base=named), remote=options.remote)
        found.name = plain_branch(short_name(found.ref) or found.name, options.remote)
        policy = options.policy_of(git, found.oid) if found.oid else None
    return found, policy


def start_from(source: Canonical) -> Start:
    """Find the base's commit at the canonical repository, and read the policy and the item there.

    The policy of the base may name another base or another repository, whose policy then counts.

    Args:
        source: the canonical repository, asked or as it was fetched last.

    Raises:
        SpecguardError: the remote is not the canonical repository or cannot be reached; or the branch, the
            policy or the item is missing.
    """
    git, options = source.git, source.options
    named = plain_branch(options.base, options.remote)
    fetched, known = fetched_base(git, options)
    base, below, known = _first_guess(source, named, fetched.name, known)
    settings, root = read_settings(git.repository), git.repository.work_tree()

    def canonical(policy: Policy | None, expected: str) -> Address:
        # Tasks and papers need no remote. A missing policy or kind is reported before a missing remote.
        alone = policy is None or options.kind not in {*policy.declared("work_kinds")} - {*task_kinds(policy)}
        return Address.find(settings, options.remote, expected, root=root, local=alone)

    source.connect(canonical(known, (known.remote if known else "") or ""))
    for _ in range(_MOST_MOVES):
        base = base or source.heads.default or fetched.name or "main"
        oid = source.require_tip(base)
        below_oid = _find_stack(source, below, oid, named=bool(named))
        pinned = manifests.Repository(
            remote=source.address.shown,
            remote_name="" if source.address.is_local else options.remote,
            base=base,
            base_oid=oid,
            below=below if below_oid else None,
            below_oid=below_oid,
        )
        start = Start(git, options, pinned, source.tip)
        item, policy = start.item, start.policy
        wanted = _wanted_branches(start, named)
        address = canonical(policy, item.remote or policy.remote or "")
        if wanted == (base, below) and address == source.address:
            # A branch that the user named exists, merged or not; one from a template may be gone.
            if below and below_oid is None and "{" not in item.settings.base:
                source.require_tip(below)
            return start
        if address != source.address:
            source.connect(address)
        base, below = wanted
    message = f"the policy of each base names another one, at last {base}"
    help = "have the bases agree on `base`, or name one with --base"
    raise SpecguardError(message, help=help, code="broken-authority")


def _first_guess(
    source: Canonical, named: str, fetched: str, known: Policy | None
) -> tuple[str, str, Policy | None]:
    """Return the base, the branch below the item's own, and the policy, as far as the last fetch has them.

    Args:
        source: the canonical repository.
        named: the base that the user names; empty without one.
        fetched: the base that a check would take; empty if it is not known.
        known: the policy there.
    """
    if named and not (known is not None and ItemBranches(known)(named)):
        return named, "", fetched_base(source.git, source.options, named)[1] or known
    if known is None:
        return "", "", None
    kind, below = known.declared("work_kinds").get(source.options.kind), named
    # The list that contains the item may exist only on the branch of its kind.
    if not named and kind is not None and "{" not in kind.base and kind.base != fetched:
        below = kind.base
    return plain_branch(known.base or "", source.options.remote), below, known


def _find_stack(source: Canonical, branch: str, base_oid: str, *, named: bool) -> str | None:
    """Return the commit of the branch below a run's; None without one, or if the base contains it already."""
    # Without the branch that the user named, any error about the item would mislead.
    find = source.require_tip if named else source.base_tip
    tip = find(branch) if branch else None
    return None if tip is None or source.git.is_ancestor(tip, base_oid) else tip


def _wanted_branches(start: Start, named: str) -> tuple[str, str]:
    """Return the base and the branch below (or empty) that the policy and the item of a start ask for."""
    item, policy, remote = start.item, start.policy, start.options.remote
    asked = plain_branch(named or (item.base if item.settings.base else ""), remote)
    # A run from the branch of another item is stacked on it, and its base is the policy's.
    stacked = bool(asked) and ItemBranches(policy)(asked)
    base = named if named and not stacked else plain_branch(policy.base or start.pinned.base, remote)
    return base, asked if stacked and asked != start.pinned.base else ""


def plain_branch(name: str, remote: str) -> str:
    """Return the short name of a remote's branch, however it is written: `origin/main`, `refs/heads/main`."""
    prefix = next(filter(name.startswith, ("refs/heads/", f"refs/remotes/{remote}/", f"{remote}/")), "")
    return name.removeprefix(prefix)


def ensure_repository(
    directory: str, environment: Mapping[str, str], *, make: bool, commit: bool, base: str, dry_run: bool
) -> Iterator[str]:
    """Make a repository, and a first commit of all files, if they do not exist.

    Args:
        directory: the folder; empty: the working directory.
        environment: the user's environment variables.
        make: True to make a repository if the folder is in none.
        commit: True to commit the files if the repository has no commit yet.
        base: the first branch of a new repository; empty: `main`.
        dry_run: True to report the actions without doing them.

    Yields:
        Each action that was or would be done, as one sentence.

    Raises:
        SpecguardError: git fails, or no run could begin from the folder; in the latter case nothing is made.
    """
    where = folder = os.path.abspath(directory or os.curdir)
    parents = (folder, *map(str, PurePath(folder).parents))
    new = make and not any(os.path.lexists(os.path.join(one, ".git")) for one in parents)
    if new and not commit:
        message = f"{folder} is in no git repository, and a run begins from a commit"
        help = "--baseline-commit makes the first one, beside --ensure-git"
        raise SpecguardError(message, help=help, code="no-repository")
    if not commit:
        return
    if not new:
        repository = Repository.locate(directory, environment)
        if repository.head is not None:
            return
        where = repository.work_tree()
    if not any(os.path.lexists(os.path.join(where, name)) for name in DEFAULT_PATHS):
        words = ["specguard", "init", "-C", where, "--preset", "planner-pipeline"]
        message = f"there is no authority in {where}, and nothing was made"
        help = f"write one first: git init {shlex.quote(where)} && {shlex.join(words)}"
        raise SpecguardError(message, help=help, code="no-authority")
    _git(folder, environment, "var", "GIT_COMMITTER_IDENT")
    prefix = "would have " if dry_run else ""
    if new:
        if not dry_run:
            _git(folder, environment, "init", "-q", f"--initial-branch={base or 'main'}")
        yield f"{prefix}made a git repository in {folder}"
    if not dry_run:
        _git(where, environment, "add", "--all")
        _git(where, environment, "commit", "-q", "--allow-empty", "-m", "chore: baseline")
    yield f"{prefix}committed the files of {where} as 'chore: baseline'"


def _git(folder: str, environment: Mapping[str, str], *words: str) -> None:
    # The folder decides, whatever a hook's environment sets.
    own = {name: value for name, value in environment.items() if name not in HOOK_VARIABLES}
    done = run_program([Repository(folder, environment).program, "-C", folder, *words], own, limit=math.inf)
    if done.code:
        problem = (done.stderr or done.stdout or done.failure).strip().split("\n")[0]
        message = f"git {words[0]} failed: {problem or f'it ended with {done.code}'}"
        help = f"try it there: git {shlex.join(words)}"
        raise SpecguardError(message, path=folder, help=help, code="git-failed")


EARLIER_RUNS: Final = "earlier"
"""The subfolder, in a reused run folder, with the files of earlier runs."""

_NOT_ENDED: Final = frozenset({"pending", "running"})


class ItemLock:
    """The lock on an item, held until the process ends or `close` is called.

    Args:
        root: the folder of all runs.
        manifest: the run's manifest, with its item, its branch and the canonical repository. The latter keeps
            items of several repositories apart.
        repository: the user's repository, to detect runs with another folder of runs; None: do not.
        given: True if the folder is not the policy's own, so that commands must name it.

    Raises:
        SpecguardError: another run has the lock, or the folder cannot be written to, or it is a link, which a
            change may have added.
    """

    def __init__(
        self, root: str, manifest: Manifest, repository: Repository | None = None, *, given: bool = False
    ) -> None:
        item, branch, remote = manifest.item, manifest.branch or "", manifest.repository.remote or ""
        self._given_root = root if given else ""
        self.folder = os.path.join(root, item.folder)
        self._item = item
        self._branch_and_remote = (branch, remote)
        files = [_lock_file(root, manifest)]
        path_in_tree(root, item.folder, f"remove the link {self.folder}")
        if repository is not None:
            places = places_folder(repository.environment, repository.work_tree())
            name = text_digest(os.path.realpath(repository.common), remote, item.kind, item.id, branch)[:24]
            files.append(os.path.join(os.path.dirname(places), "claims", f"{name}.lock"))
        try:
            with ExitStack() as locks, reporting_errors(self.folder):
                os.makedirs(self.folder, mode=0o755, exist_ok=True)
                for file in files:
                    os.makedirs(os.path.dirname(file), mode=0o700, exist_ok=True)
                    locks.enter_context(FileLock(file, timeout=0))
                self._locks = locks.pop_all()
        except Timeout:
            status = shlex.join(command_words("status", "", self._given_root))
            help = f"{status}, here or in its worktree (git worktree list), or with its --run-root"
            raise item_taken(f"another run works on {item.label}", help) from None

    def close(self) -> None:
        """Release the lock."""
        self._locks.close()

    def new_folder(self, reused: str = "") -> RunFolder:
        """Return the folder of a new run.

        Args:
            reused: the id of an earlier run whose folder is reused; its files are moved to `earlier/`. Empty:
                none.

        Raises:
            SpecguardError: an earlier run of the item did not end, or the id names no run of it.
        """
        # A change may have brought a record that names another folder, and others may share this one.
        known = {*RunStore(self.folder).folders()} & {one.run_id for one in self._item_manifests()}
        if reused and reused not in known:
            message = f"{reused!r} has to name one run of {self._item.label}"
            help = shlex.join(command_words("list", "", self._given_root))
            raise SpecguardError(message, path=self.folder, help=help, code="unknown-name")
        for manifest in self._item_manifests():
            # Because this process has the lock, a run that is recorded as running must have died. What it has
            # started may still write to its place, also for a run that would use its folder again.
            if manifest.state in _NOT_ENDED:
                died = RunFolder(os.path.join(self.folder, manifest.run_id), self._given_root)
                message = f"an earlier run of {self._item.label} died: {manifest.run_id}"
                help = f"{died.command('resume')}; to give it up: {died.command('stop')}"
                raise item_taken(message, help)
        folder = RunFolder(os.path.join(self.folder, reused or new_run_id()), self._given_root)
        if not reused:
            return folder
        with reporting_errors(folder.path):
            before = os.path.join(folder.path, EARLIER_RUNS)
            os.makedirs(before, exist_ok=True)
            target = os.path.join(before, f"{len(os.listdir(before)) + 1:02d}")
            os.mkdir(target)
            for name in os.listdir(folder.path):
                if name != EARLIER_RUNS:
                    os.rename(os.path.join(folder.path, name), os.path.join(target, name))
        return folder

    def _item_manifests(self) -> Iterator[Manifest]:
        """Yield the manifests of this item's earlier runs in this repository; others may share the folder."""
        # One of an older layout has none, and neither has a broken one, which `run doctor` reports.
        for one in filter(None, (run.manifest for run in RunStore(self.folder).runs())):
            if (one.branch or "", one.repository.remote or "") == self._branch_and_remote:
                yield one


def _lock_file(root: str, manifest: Manifest) -> str:
    """Return the file, in the folder of an item's runs, that is locked while a run is under way.

    A run without a branch has one of its own: it keeps no other run from its item.
    """
    name = text_digest(manifest.repository.remote or "", manifest.branch or manifest.run_id)[:12]
    return os.path.join(root, manifest.item.folder, f".{name}.lock")


def is_worked_on(root: str, manifest: Manifest) -> bool:
    """True if a process works on the item of a run: it holds the lock in the folder of the item's runs."""
    try:
        with FileLock(_lock_file(root, manifest), timeout=0):
            return False
    except Timeout:
        return True


@contextmanager
def plan_lock(start: Start, root: str, remote: str) -> Iterator[None]:
    """Keep other runs of the same plan from beginning, and check that running ones do not conflict.

    Args:
        start: the start of the run.
        root: the folder of all runs.
        remote: the address of the canonical repository, as in manifests.

    Raises:
        SpecguardError: a run under way may change the same files, or has the same branch.
        MissingFact: the plan cannot be read.
    """
    task = task_of(start.policy, start.item)
    if task is None:
        yield
        return
    name = f".plan-{text_digest(remote, os.fsdecode(task.plan.path))[:12]}.lock"
    with FileLock(os.path.join(root, name)):
        for manifest in _running_tasks(root, remote, task):
            _check_clash(start, task, manifest)
        yield


def _running_tasks(root: str, remote: str, task: Task) -> Iterator[Manifest]:
    """Yield the runs of other tasks of the plan whose process holds their lock."""
    for manifest in filter(None, (view.manifest for view in RunStore(root).runs() if view.running)):
        is_other = manifest.item.plan == os.fsdecode(task.plan.path) and manifest.item.id != task.id
        if is_other and (manifest.repository.remote or "") == remote and is_worked_on(root, manifest):
            yield manifest


def _check_clash(start: Start, task: Task, manifest: Manifest) -> None:
    other = task.plan.task(manifest.item.id)
    theirs = other.expected_paths if other is not None else None
    if manifest.branch in start.item.branches and not shares_branch(start.policy, start.item):
        clash_text = f"the run of {manifest.item.id} works on the same branch, {manifest.branch}"
    else:
        clash_text = find_clash(task.id, task.expected_paths, manifest.item.id, theirs)
    if clash_text:
        help = f"specguard run status {manifest.run_id}; start this one when it has ended"
        path = os.fsdecode(task.plan.path)
        raise SpecguardError(clash_text, help=help, path=path, line=task.line, code="item-taken")


def find_clash(one: str, mine: Covering | None, other: str, theirs: Covering | None) -> str:
    """Return the reason why two items cannot be worked on in parallel, as a sentence; empty if they can.

    Args:
        one: the name of the first item.
        mine: the paths that the first item may change; None if nothing states them.
        other: the name of the second item.
        theirs: the paths that the second item may change; None if nothing states them.
    """
    if not mine or not theirs:
        return f"{one if not mine else other} does not say which files it may change"
    pairs = ((pattern, second) for pattern in mine.patterns for second in theirs.patterns)
    found = next((pair for pair in pairs if can_overlap(*pair)), None)
    return f"{one} may change {found[0]}, and {other} {found[1]}" if found else ""
