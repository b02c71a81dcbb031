"""An audit: from the repositories that are named to their changes, the workers, and the store."""

from __future__ import annotations

import os
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, wait
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

from specguard import __version__
from specguard.audit.judging import JudgedSlice, PastPolicies, Slice, judge, past_changes
from specguard.audit.repositories import find_branch, mirrored, named_repositories, state_of
from specguard.audit.store import AuditStore, StoreKey
from specguard.authority.cache import development_stamp, user_folder
from specguard.change.git import Git
from specguard.change.repository import Repository
from specguard.change.request import Request, resolve
from specguard.change.tree import Tree
from specguard.declaration.rule import Record
from specguard.engine.policies import open_floor
from specguard.errors import MissingFact, NoAuthorityError, SpecguardError
from specguard.reporters.json import plain

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence
    from concurrent.futures import Executor, Future

    from specguard.audit.judging import PastChange
    from specguard.audit.repositories import AuditedBranch, NamedRepository
    from specguard.authority.difference import Floor
    from specguard.authority.policy import Policy

SLICE: Final = 200
"""So many changes are judged by one task."""

_AHEAD: Final = 4
"""So many tasks are handed out for each worker, so that none waits for the next."""

_RESTARTS: Final = 3
"""So often a pool is made anew of which a worker was killed."""


class AuditOptions(Record):
    """What an audit is asked for.

    Attributes:
        environment: the process's environment.
        named: folders, patterns and addresses.
        lists: files with more of these.
        mirrors: the folder for mirrors of addresses; empty: in the user's cache.
        branch: the branch; empty: each repository's base.
        since: the first day, `YYYY-MM-DD`, of the committer's date; empty: any.
        last: how many changes at most; 0: all.
        range: `A..B` of the branch's line; empty: all of it.
        by: `then`, `now`, or the file of an authority.
        floor, floor_sha256: the floor that policies are held to, and its SHA-256; empty: as in a check.
        store: the file of the store; empty: in the user's cache.
        jobs: how many processes judge.
        scheduler: the address of a Dask scheduler; empty: none.
        plugins: the distributions whose rules may be imported.
    """

    environment: Mapping[str, str]
    named: Sequence[str] = (".",)
    lists: Sequence[str] = ()
    mirrors: str = ""
    branch: str = ""
    since: str = ""
    last: int = 0
    range: str = ""
    by: str = "then"
    floor: str = ""
    floor_sha256: str = ""
    store: str = ""
    jobs: int = 1
    scheduler: str = ""
    plugins: Sequence[str] = ()


class Progress(Protocol):
    """What is told of an audit while it is under way."""

    def begin(self, name: str, changes: int, left: int) -> None:
        """A repository has so many changes, of which so many are not judged yet."""

    def judged(self, name: str, changes: int) -> None:
        """So many more changes of a repository are kept."""

    def failed(self, name: str, reason: str) -> None:
        """A repository, or some of its changes, cannot be read."""


class _AuditedRepository(Record):
    """The changes of one repository that an audit is about.

    Attributes:
        name: the repository's.
        folder: where it is.
        key: what their verdicts are kept under.
        changes: all of them, the newest first.
        left: those that are not judged yet.
        policy: the one that judges all; None: each change's own.
    """

    name: str
    folder: str
    key: StoreKey
    changes: Sequence[PastChange]
    left: Sequence[PastChange]
    policy: Policy | None


def open_store(options: AuditOptions) -> AuditStore:
    """The store of an audit.

    Raises:
        SpecguardError: it cannot be used, or there is no place for one.
    """
    folder = user_folder(options.environment, "audits", "")
    if not options.store and not folder:
        raise SpecguardError(
            "there is no home folder for the store of audits",
            help="Name its file with --store.",
            code="usage",
        )
    return AuditStore(options.store or os.path.join(folder, "audits.sqlite"))


def audit(options: AuditOptions, store: AuditStore, progress: Progress) -> None:
    """Judge what is not judged yet, keep it, and have the store tell of all that was asked for.

    Args:
        options: what is asked for.
        store: where verdicts are kept; its changes that are meant become its `chosen` ones.
        progress: is told of it.

    Raises:
        SpecguardError: no repository can be judged, or the workers cannot be reached.
    """
    since = _day(options.since)
    floor = open_floor(
        Request(environment=options.environment, floor=options.floor, floor_sha256=options.floor_sha256)
    )
    names = named_repositories(options.named, options.lists)
    told: list[_AuditedRepository] = []
    last_error = None

    def asked() -> Iterator[tuple[_AuditedRepository, Slice]]:
        nonlocal last_error
        for one in names:
            try:
                found = _ask(one, options, store, since, floor)
            except SpecguardError as error:
                if error.path and error.path == options.by:
                    # No repository has to do with it.
                    raise
                last_error = error
                store.describe(store.repository(plain(one.name)), {"reason": plain(error.message)})
                progress.failed(one.name, error.message)
                continue
            told.append(found)
            progress.begin(found.name, len(found.changes), len(found.left))
            for some in _slices(found, options.plugins, floor):
                yield found, some

    left: Counter[str] = Counter()
    for found, outcome in _results(asked(), options):
        store.add(found.key, outcome.changes)
        progress.judged(found.name, len(outcome.changes))
        if outcome.left:
            left[found.name] += outcome.left
            reason = f"changes that could not be judged: {left[found.name]}; {outcome.reason}"
            store.describe(found.key.repository, {**store.state(found.key.repository), "reason": reason})
            progress.failed(found.name, reason)
    if not told and last_error is not None:
        raise last_error
    for found in told:
        heads = {change.head for change in found.changes}
        store.choose(found.key, heads)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise SpecguardError(f"{text!r} is no day", help="Write it as YYYY-MM-DD.", code="usage") from None


def _ask(
    one: NamedRepository, options: AuditOptions, store: AuditStore, since: date | None, floor: Floor | None
) -> _AuditedRepository:
    """The changes of a repository, and which of them are left to judge."""
    folder, branch_name = one.folder, options.branch
    if one.address:
        mirrors = options.mirrors or user_folder(options.environment, "mirrors", "")
        folder, branch_name = mirrored(one.address, mirrors, options.branch, options.environment)
    repository = Repository.locate(folder, options.environment).without_work_tree()
    name = plain(one.name if one.address else os.path.realpath(folder))
    id_ = store.repository(name)
    try:
        with Git(repository) as git:
            branch = find_branch(git, branch_name)
            changes = _changes(git, branch, options, since)
            policies = PastPolicies(
                Request(environment=options.environment),
                git.repository,
                options.plugins,
                given=None,
                floor=floor,
            )
            policy = _policy(git, branch, options.by, policies)
            state = store.state(id_)
            of = [branch.tip, _versions(options.plugins), datetime.now(UTC).date().isoformat()]
            if state.get("of") != of or "reason" in state:
                store.describe(id_, {**state_of(git, branch, policies), "of": of})
    except MissingFact as missing:
        raise SpecguardError(missing.reason, help=missing.command, code=missing.code) from None
    key = StoreKey(
        id_,
        branch.name,
        options.by if options.by in ("then", "now") else "file",
        policy.policy_id if policy else "",
        floor.sha256 if floor else "",
        _versions(options.plugins),
    )
    known = store.known(key)
    return _AuditedRepository(
        name, folder, key, changes, [change for change in changes if change.head not in known], policy
    )


def _changes(git: Git, branch: AuditedBranch, options: AuditOptions, since: date | None) -> list[PastChange]:
    tip, without = branch.tip, ""
    if options.range:
        before, dots, after = options.range.partition("..")
        if not dots or not before or after.startswith("."):
            raise SpecguardError(f"{options.range!r} is no range", help="A range is `A..B`.", code="usage")
        without, tip = resolve(git, before).oid, resolve(git, after).oid if after else tip
    changes = past_changes(git, tip, without=without, most=options.last)
    if since is None:
        return changes
    first = datetime(since.year, since.month, since.day, tzinfo=UTC).timestamp()
    return [change for change in changes if change.at >= first]


def _policy(git: Git, branch: AuditedBranch, by: str, policies: PastPolicies) -> Policy | None:
    """The policy that judges every change; None where each has its base's."""
    if by == "then":
        return None
    file = "" if by == "now" else by
    policy = policies.load(Tree(git, git.commit(branch.tip).tree), file)
    if policy is None:
        where = file or branch.name
        raise NoAuthorityError(f"there is no authority: {where} has none", help="`specguard init` writes one")
    return policy


def _versions(plugins: Sequence[str]) -> str:
    """What verdicts follow from beside the history and the policy: the versions of what judges."""
    parts = [f"specguard {__version__}", development_stamp(["specguard", "specguard_rules"])]
    for name in sorted(set(plugins)):
        from importlib.metadata import PackageNotFoundError, version

        try:
            parts.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            parts.append(name)
    return ", ".join(filter(None, parts))


def _slices(found: _AuditedRepository, plugins: Sequence[str], floor: Floor | None) -> Iterator[Slice]:
    """The changes that are left, oldest first, in pieces of which each change is the base of the next."""
    policy: Mapping[str, Any] | None = found.policy.to_data() if found.policy else None
    held = (os.path.abspath(floor.path), floor.sha256) if floor else ("", "")
    some: list[PastChange] = []
    for change in reversed(found.left):
        if some and (len(some) == SLICE or some[-1].head != change.base):
            yield Slice(found.folder, found.key.branch, some, policy, plugins, *held)
            some = []
        some.append(change)
    if some:
        yield Slice(found.folder, found.key.branch, some, policy, plugins, *held)


_Task: TypeAlias = tuple[_AuditedRepository, Slice]


def _results(
    tasks: Iterator[_Task], options: AuditOptions
) -> Iterator[tuple[_AuditedRepository, JudgedSlice]]:
    """What workers make of the slices, as it comes; at no time are more than a few handed out."""
    if options.jobs == 1 and not options.scheduler:
        for found, some in tasks:
            yield found, judge(some)
        return
    again: list[_Task] = []
    for _ in range(_RESTARTS + 1):
        some_tasks, again = chain(again, tasks), []
        with _workers(options) as (pool, count), closing(_handed(pool, count, some_tasks)) as done:
            for found, some, future in done:
                try:
                    if future is not None:
                        yield found, future.result()
                        continue
                except BrokenExecutor:
                    pass
                again.append((found, some))
        if not again:
            return
    raise SpecguardError(
        "workers were killed again and again",
        help="What was judged is kept: look at the memory, then run the same command, with fewer --jobs.",
        code="killed",
    )


def _handed(
    pool: Executor, count: int, tasks: Iterator[_Task]
) -> Generator[tuple[_AuditedRepository, Slice, Future[JudgedSlice] | None]]:
    """Each slice with its answer, as it comes; None for one that a broken pool did not take."""
    under_way: dict[Future[JudgedSlice], _Task] = {}
    room = count * _AHEAD
    while True:
        for found, some in islice(tasks, max(0, room - len(under_way))):
            try:
                under_way[pool.submit(judge, some)] = found, some
            except BrokenExecutor:
                room = 0
                yield found, some, None
                break
        if not under_way:
            return
        ended, _ = wait(under_way, return_when=FIRST_COMPLETED)
        for future in ended:
            yield *under_way.pop(future), future


@contextmanager
def _workers(options: AuditOptions) -> Iterator[tuple[Executor, int]]:
    """What judges slices, and how many at once: processes of this machine, or those of a cluster."""
    if not options.scheduler:
        from concurrent.futures import ProcessPoolExecutor
        from multiprocessing import get_context

        # Else glibc returns ever less of what a slice took, and a worker grows with each one.
        os.environ.setdefault("MALLOC_MMAP_THRESHOLD_", "131072")
        # A forked process would share the store's connection.
        pool = ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn"))
        try:
            yield pool, options.jobs
        finally:
            pool.shutdown(cancel_futures=True)
        return
    import distributed

    # It has no types of its own.
    connect: Any = distributed.Client
    try:
        client = connect(options.scheduler, timeout=10, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise SpecguardError(
            f"no scheduler answers at {options.scheduler}",
            help="Start one: dask scheduler, and workers: dask worker ADDRESS",
            code="remote-unreachable",
        ) from error
    with client:
        count = max(1, sum(client.nthreads().values()))
        yield client.get_executor(retries=_RESTARTS, pure=False), count
