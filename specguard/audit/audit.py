"""Run an audit: find the changes of its repositories, have workers judge them, and store the results."""

from __future__ import annotations

import os
import pickle
import signal
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from itertools import chain, islice
from multiprocessing import active_children, get_context, parent_process
from tempfile import NamedTemporaryFile, TemporaryDirectory
from threading import Thread
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias

from specguard import __version__
from specguard.audit.judging import JudgedSlice, PastPolicies, Slice, find_branch, judge, past_changes
from specguard.audit.repositories import NamedRepository, named_repositories, reason_of
from specguard.audit.store import AuditStore, StoreKey
from specguard.authority.cache import development_stamp, user_folder
from specguard.change.base import named_base
from specguard.change.check_request import Request, resolve
from specguard.change.git import Git
from specguard.change.repository import Repository
from specguard.change.sources import open_changes, split_range
from specguard.engine.check import judge_change
from specguard.engine.trusted_policy import open_floor
from specguard.errors import Needed, NoAuthorityError, SpecguardError, if_known, usage
from specguard.model import EXIT_NO_VERDICT, Record, counted, path_text
from specguard.reporters.escape import visible
from specguard.reporters.json import json_safe

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from specguard.audit.judging import AuditedBranch, PastChange
    from specguard.authority.floor import Floor
    from specguard.authority.policy import Policy


SLICE: Final = 50
"""The most changes that one task judges, and that an interruption loses."""

_PER_WORKER: Final = 4
"""The number of tasks queued for each worker, so that no worker waits for the next task."""

_INTERRUPTIONS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_RESTARTS: Final = 3
"""The number of times that a pool is restarted after one of its workers was killed."""


class AuditOptions(Record):
    """The options of an audit.

    Attributes:
        environment: the process's environment.
        named: folders, patterns and addresses.
        lists: files with more of these.
        mirrors: the folder for mirrors of addresses; empty for a folder in the user's cache.
        branch: the branch; empty for each repository's base.
        since: the first day, `YYYY-MM-DD`, of the committer's date; empty for any.
        last: the most changes; None for all.
        range: `A..B` of the branch's first-parent line; empty for all of it.
        by: `then`, `now`, or the file of an authority.
        floor, floor_sha256: the floor that policies are held to, and its SHA-256. If `floor` is empty,
            the variable `SPECGUARD_FLOOR` names the floor, as in a check.
        store: the file of the store; empty for a file in the user's cache.
        jobs: the number of processes that judge.
        scheduler: the address of a Dask scheduler; empty for none.
        plugins: the distributions whose rules may be imported.
    """

    environment: Mapping[str, str]
    named: Sequence[str] = (".",)
    lists: Sequence[str] = ()
    mirrors: str = ""
    branch: str = ""
    since: str = ""
    last: int | None = None
    range: str = ""
    by: str = "then"
    floor: str = ""
    floor_sha256: str = ""
    store: str = ""
    jobs: int = 1
    scheduler: str = ""
    plugins: Sequence[str] = ()


class Progress:
    """Progress output: a line for each repository, and on a terminal a bar with count, rate and time left."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        console = Console(stderr=True)
        self._bars = Progress(
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]:.0f} changes/s"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bars.add_task("", total=0, rate=0)

    def __enter__(self) -> Self:
        # Where this process holds interruptions back, the thread of the bar must not take them.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _INTERRUPTIONS)
        self._bars.start()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def begin_repository(self, name: str, changes: int, unjudged: int) -> None:
        """Print the number of a repository's changes, and the number of those that are still to judge."""
        self._bars.update(self._task, total=(self._bars.tasks[0].total or 0) + unjudged)
        self.print_line(name, f"{counted(changes, 'change')}, {unjudged or 'nothing'} new")

    def advance(self, changes: int) -> None:
        """Advance the bar by a number of stored changes."""
        self._bars.update(self._task, advance=changes, rate=self._bars.tasks[0].speed or 0)

    def print_line(self, name: str, text: str) -> None:
        """Print a line about a repository, such as why some of its changes cannot be read."""
        from rich.text import Text

        self._bars.console.print(Text(visible(f"{name}: {text}")), soft_wrap=True)


class _AuditedRepository(Record):
    """The changes of one repository that an audit covers.

    Attributes:
        name: the repository's name.
        folder: its folder.
        key: the key of their verdicts in the store.
        changes: all of them, the newest first.
        unjudged: those that are not judged yet.
        policy: the policy that judges all of them; None if each is judged by its own.
    """

    name: str
    folder: str
    key: StoreKey
    changes: Sequence[PastChange]
    unjudged: Sequence[PastChange]
    policy: Policy | None


def open_store(options: AuditOptions) -> AuditStore:
    """Open the store of an audit.

    Raises:
        SpecguardError: the store cannot be used, or no home folder exists for it.
    """
    folder = user_folder(options.environment, "audits", "")
    if not options.store and not folder:
        raise usage("there is no home folder for the store of audits", "Name its file with --store.")
    return AuditStore(options.store or os.path.join(folder, "audits.sqlite"))


def audit(options: AuditOptions, store: AuditStore, progress: Progress) -> bool:
    """Judge and store the changes that are not judged yet, and choose all requested changes in the store.

    Args:
        options: the options.
        store: the store of verdicts; the requested changes become its `chosen` ones.
        progress: prints the progress.

    Returns:
        True if a repository could not be read; one without a commit or an authority has nothing to judge.

    Raises:
        SpecguardError: no repository can be judged, or the workers cannot be reached.
    """
    since = _first_second(options.since)
    request = Request(environment=options.environment, floor=options.floor, floor_sha256=options.floor_sha256)
    floor = open_floor(request)
    names = named_repositories(options.named, options.lists)
    audited: dict[str, _AuditedRepository] = {}
    errors: list[SpecguardError] = []

    def tasks() -> Iterator[tuple[_AuditedRepository, Slice]]:
        for one in names:
            try:
                found = _find_changes(one, options, store, since, floor)
            except SpecguardError as error:
                if error.path and error.path == options.by:
                    # The error is independent of the repository.
                    raise
                errors.append(error)
                reason = reason_of(error, one.folder)
                store.set_state(store.repository(json_safe(one.name)), {"reason": reason})
                if len(names) > 1:
                    # The error of a single repository is raised at the end.
                    progress.print_line(one.name, reason)
                continue
            # Another of its folders may be named, too.
            if found.name not in audited:
                audited[found.name] = found
                progress.begin_repository(found.name, len(found.changes), len(found.unjudged))
                yield from ((found, batch) for batch in _slices(found, options.plugins, floor))

    unjudged: Counter[str] = Counter()
    for found, outcome in _results(tasks(), options):
        store.add(found.key, outcome.changes)
        progress.advance(len(outcome.changes))
        if outcome.unjudged:
            unjudged[found.name] += outcome.unjudged
            reason = f"changes that could not be judged: {unjudged[found.name]}; {outcome.reason}"
            store.set_state(found.key.repository, {**store.state(found.key.repository), "reason": reason})
    if errors and not audited:
        raise errors[-1]
    for found in audited.values():
        if unjudged[found.name]:
            progress.print_line(found.name, store.state(found.key.repository)["reason"])
        store.choose(found.key, [change.head for change in found.changes])
    return any(error.code not in ("no-commit", NoAuthorityError.code) for error in errors)


def _first_second(text: str) -> int:
    """Return the first second of a UTC day, counted from 1970; 0 for no day, or one before."""
    try:
        return max(0, int(datetime.fromisoformat(f"{text}T00:00Z").timestamp())) if text else 0
    except ValueError:
        raise usage(f"{text!r} is not a day", "Write it as YYYY-MM-DD.") from None


def _find_changes(
    one: NamedRepository, options: AuditOptions, store: AuditStore, since: int, floor: Floor | None
) -> _AuditedRepository:
    """Return the changes of a repository, with those that are still to judge."""
    folder, branch_name = one.fetch(options.branch, options.mirrors, options.environment)
    repository = Repository.locate(folder, options.environment)
    # A folder in a working tree names the whole repository, as a linked worktree does.
    work_tree = repository.git_dir == repository.common and repository.root
    whole = os.path.realpath(work_tree or repository.common.removesuffix("/.git"))
    name = json_safe(one.name if one.address else whole)
    id_, versions = store.repository(name), _versions(options.plugins)
    with Needed(), Git(repository.as_bare()) as git:
        branch = find_branch(git, branch_name)
        policies = PastPolicies(git, options.plugins, None, floor)
        # As in a check, the authority may name another base; a missing one is an old name.
        with suppress(SpecguardError):
            base = "" if options.branch else _policy(git, branch, "now", policies).base or ""
            base = base.removeprefix("origin/")
            if base not in ("", branch.name):
                one.fetch(base, options.mirrors, options.environment)
                branch = find_branch(git, named_base(git, base, "policy").ref or base)
        changes = _changes(git, branch, options, since)
        policy = None if options.by == "then" else _policy(git, branch, options.by, policies)
        state = store.state(id_)
        held_to = floor.sha256 if floor else ""
        inputs = [branch.tip, versions, held_to, datetime.now(UTC).date().isoformat(), branch.name]
        if state.get("of") != inputs or "reason" in state:
            current = {**read_state(git, branch, policies), "of": inputs}
            last, *_, audited = state.get("of", ("", ""))
            is_same = audited == branch.name
            line = if_known(lambda: past_changes(git, branch.tip, excluded=last), []) if is_same else []
            if line and line[-1].base != last:
                current["reason"] = f"the last audited commit, {last[:12]}, is off the first-parent line"
            store.set_state(id_, current)
    by = options.by if options.by in ("then", "now") else "file"
    key = StoreKey(id_, branch.name, by, policy.policy_id if policy else "", held_to, versions)
    known = store.judged_heads(key)
    unjudged = [change for change in changes if change.head not in known]
    return _AuditedRepository(name, folder, key, changes, unjudged, policy)


def _changes(git: Git, branch: AuditedBranch, options: AuditOptions, since: int) -> list[PastChange]:
    tip, excluded = branch.tip, ""
    if options.range:
        before, after = split_range(options.range, usual=tip)
        excluded, tip = resolve(git, before).oid, resolve(git, after).oid
        line = past_changes(git, branch.tip, excluded=f"{tip}^@")
        if tip not in [change.head for change in line]:
            message = f"{after!r} is not on the first-parent line of {branch.name}"
            raise usage(message, "--branch names the branch that it has landed on.")
    changes = past_changes(git, tip, excluded=excluded, most=options.last or 0, since=since)
    return [change for change in changes if change.at >= since]


def _policy(git: Git, branch: AuditedBranch, by: str, policies: PastPolicies) -> Policy:
    """Return the policy of a branch's tip for `now`, else that of a file."""
    file = "" if by == "now" else by
    policy = policies.load(git.tree_at(branch.tip), file)
    if policy is None:
        where = file or f"{branch.name}, at commit {branch.tip[:12]}"
        step = "--by SPEC_AUTHORITY.md judges by that file; `specguard init` writes it"
        raise NoAuthorityError(f"there is no authority in {where}", help=step)
    return policy


def _versions(plugins: Sequence[str]) -> str:
    """Return the versions of specguard and the plugins, which influence verdicts as history and policy do."""
    from importlib.metadata import version

    parts = [f"specguard {__version__}", development_stamp(["specguard", "specguard_rules"])]
    parts += [f"{name} {version(name)}" for name in sorted(set(plugins))]
    return ", ".join(filter(None, parts))


def _slices(found: _AuditedRepository, plugins: Sequence[str], floor: Floor | None) -> list[Slice]:
    """Split the changes still to judge, oldest first, into slices whose changes follow each other."""
    runs: list[list[PastChange]] = []
    for change in reversed(found.unjudged):
        if not runs or len(runs[-1]) == SLICE or runs[-1][-1].head != change.base:
            runs.append([])
        runs[-1].append(change)
    return [Slice(found.folder, found.key.branch, run, found.policy, plugins, floor) for run in runs]


_Task: TypeAlias = tuple[_AuditedRepository, Slice]


def _results(
    tasks: Iterator[_Task], options: AuditOptions
) -> Iterator[tuple[_AuditedRepository, JudgedSlice]]:
    """Yield the workers' results for the slices as they arrive; only a few slices are queued at a time."""
    if options.jobs == 1 and not options.scheduler:
        yield from ((found, judge(batch)) for found, batch in tasks)
        return
    retried: list[_Task] = []
    for _ in range(_RESTARTS + 1):
        tasks, retried = chain(retried, tasks), []
        with _open_pool(options) as (pool, count):
            pending: dict[Future[JudgedSlice | str], _Task] = {}
            while True:
                # A broken pool accepts no tasks.
                for task in islice(tasks, 0 if retried else max(0, count * _PER_WORKER - len(pending))):
                    # Here an interruption could keep a lock locked, and end a new worker in a traceback.
                    before = signal.pthread_sigmask(signal.SIG_BLOCK, _INTERRUPTIONS)
                    try:
                        pending[pool.submit(judge if options.scheduler else _judge_to_file, task[1])] = task
                    except BrokenExecutor:
                        retried.append(task)
                        break
                    finally:
                        signal.pthread_sigmask(signal.SIG_SETMASK, before)
                if not pending:
                    break
                for future in wait(pending, return_when=FIRST_COMPLETED).done:
                    found, batch = pending.pop(future)
                    try:
                        result = future.result()
                        yield found, _read_result(result) if isinstance(result, str) else result
                    except BrokenExecutor:
                        retried.append((found, batch))
        if not retried:
            return
    help = "What was judged is kept: look at the memory, then run the same command, with fewer --jobs."
    raise SpecguardError("workers were killed again and again", help=help, code="killed")


@contextmanager
def _open_pool(options: AuditOptions) -> Iterator[tuple[Executor, int]]:
    """Yield the executor that judges slices, and its number of workers: local processes or a Dask cluster."""
    if not options.scheduler:
        # Otherwise glibc returns ever less memory to the system, and a worker grows with each slice.
        os.environ.setdefault("MALLOC_MMAP_THRESHOLD_", "131072")
        # A forked process would share the store's connection.
        with TemporaryDirectory(prefix="specguard-") as folder:
            pool = ProcessPoolExecutor(options.jobs, get_context("spawn"), _begin_worker, (folder,))
            caught = [one for one in _INTERRUPTIONS if signal.getsignal(one) is signal.default_int_handler]
            for number in caught:
                signal.signal(number, _interrupt_once)
            try:
                yield pool, options.jobs
            except BaseException:
                # An interrupted start can leave a worker that the pool does not know of.
                for worker in active_children():
                    worker.kill()
                raise
            finally:
                pool.shutdown(cancel_futures=True)
                for number in caught:
                    signal.signal(number, signal.default_int_handler)
        return
    import distributed

    # The library is untyped.
    connect: Any = distributed.Client
    try:
        client = connect(options.scheduler, timeout=10, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        message = f"no scheduler answers at {options.scheduler}"
        help = "Start one: dask scheduler, and workers: dask worker ADDRESS"
        raise SpecguardError(message, help=help, code="remote-unreachable") from error
    with client:
        yield client.get_executor(retries=_RESTARTS, pure=False), max(1, sum(client.nthreads().values()))


def _interrupt_once(*_: object) -> None:
    """Raise one `KeyboardInterrupt`; a second one, while the first leaves a lock, could keep that locked."""
    for number in [one for one in _INTERRUPTIONS if signal.getsignal(one) is _interrupt_once]:
        signal.signal(number, lambda *_: None)
    raise KeyboardInterrupt


def _judge_to_file(batch: Slice) -> str:
    """Judge a slice, and return the name of the temporary file that the result is in.

    Only so short a message reaches the pool at once. The pool would wait for ever for the rest of a longer
    one whose worker was killed.
    """
    with NamedTemporaryFile(delete=False) as file:
        pickle.dump(judge(batch), file)
    return file.name


def _read_result(name: str) -> JudgedSlice:
    """Read and delete a worker's file."""
    with open(name, "rb") as file:
        os.unlink(name)
        result: JudgedSlice = pickle.load(file)  # noqa: S301 - a worker of this process wrote it
    return result


def _begin_worker(folder: str) -> None:
    """Leave interruptions to the process that started this worker, and end with that process.

    Args:
        folder: the folder for temporary files, which that process deletes.
    """
    os.environ["TMPDIR"] = folder
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _INTERRUPTIONS)
    Thread(target=_end_after, args=[parent_process()], daemon=True).start()


def _end_after(parent: Any) -> None:
    parent.join()
    os._exit(EXIT_NO_VERDICT)


def read_state(git: Git, branch: AuditedBranch, policies: PastPolicies) -> dict[str, Any]:
    """Return the state of the guard on a repository's branch, at its newest commit.

    Args:
        git: reads the repository.
        branch: the branch.
        policies: loads its policy.

    Returns:
        A mapping, empty without an authority. The key `authority` has the documents, `preset` the presets,
        and `runs_in` the files of hooks and CI that name specguard. The numbers are `locked`, patterns that
        guard paths; `unenforced`, sentences that no rule enforces; and `stale`, findings on specs, None if
        the policy has no `[specs]`. If the authority cannot be read, there is only `problem`, the reason.
    """
    tree = git.tree_at(branch.tip)
    try:
        policy = policies.load(tree)
    except SpecguardError as error:
        return {"problem": json_safe(error.message)}
    if policy is None:
        return {}
    guard: Any = policy.rule("policy-change")
    guarded_files = guard.load().files.among(tree.paths())
    stale = None
    if policy.declares("spec_settings"):
        tip = f"{branch.tip}..{branch.tip}"
        request = Request(environment=git.repository.environment, range=tip, all=True, select=["SPC"])
        [change] = open_changes(git, request)
        stale = len(judge_change(change, policies, needs=()).findings)
    return {
        "authority": [path for path, _ in policy.documents],
        "preset": policy.value("extends"),
        "runs_in": [path_text(path) for path in guarded_files if b"specguard" in (tree.read(path) or b"")],
        "locked": sum(1 for _ in policy.guards.all),
        "unenforced": sum(not one.rules for one in policy.statements),
        "stale": stale,
    }
