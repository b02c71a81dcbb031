"""The branches that are open at the same time, and the pairs of them that overlap.

No process starts for each branch. One process lists the refs, one walks the history that the base lacks, one
diffs all branches, and one merges the pairs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Final

from specguard.authority.policy import Policy
from specguard.change.base import FoundBase, find_base, no_base_error
from specguard.change.check_request import Request, Revision
from specguard.change.entries import Entry
from specguard.change.git import RAW, Git
from specguard.change.object_store import stdin_lines
from specguard.change.ranges import Merges, RangeChange
from specguard.change.repository import Ref, Repository, short_branch, short_name
from specguard.change.tree import Documents, Tree
from specguard.engine.facts import Clock
from specguard.engine.trusted_policy import Policies
from specguard.errors import MissingFact, Needed, NoAuthorityError, if_known
from specguard.model import Record
from specguard.work.item_lists import Listed, Sources, match_items
from specguard.work.kinds import Names, Naming, Passes

LIMIT: Final = 200
"""The highest number of pairs that are merged to find conflicts."""


class OpenBranch(Record, frozen=False):
    """A branch with changes that the base lacks.

    Attributes:
        name: the short name, e.g. `topic`, or `origin/topic` if only the remote has the branch.
        oid: the object id of its tip.
        refs: the full names of its refs.
        owner: the author of its tip, as `Name <address>`.
        age: the age of its tip's commit, in days.
        item: the work item that its name names; None if it names none.
        listed: the item's entry in a file that lists items; None unless there is exactly one.
        files: the paths that it changes, without those that are the same in the base by now.
        item_files: those paths that its item's entry lists, of all paths that any open branch changes.
        based_on: the names of the open branches whose tips it contains.
        problem: why its item or its files are unknown; empty if they are known.
    """

    name: str
    oid: str
    refs: list[str]
    owner: str = ""
    age: int = 0
    item: Naming | None = None
    listed: Listed | None = None
    files: frozenset[bytes] = frozenset()
    item_files: frozenset[bytes] = frozenset()
    based_on: Sequence[str] = ()
    problem: str = ""

    @property
    def item_id(self) -> str:
        """The item's id, as the list has it; empty if the branch names no item."""
        return self.listed.id if self.listed else self.item.id if self.item else ""

    @property
    def label(self) -> str:
        """The kind and id of the item, e.g. `slice D1`; empty if the branch names no item."""
        return f"{self.item.kind} {self.item_id}" if self.item else ""

    def same_item(self, other: OpenBranch) -> bool:
        """True if both branches are for the same item."""
        if self.listed is not None and other.listed is not None:
            return self.listed is other.listed
        return self.item is not None and other.item is not None and self.item.same_item(other.item)


class BranchPair(Record, frozen=False):
    """Two branches that overlap, neither of which contains the other.

    Branches overlap if they change the same paths, are for the same item, or one changes paths of the other's
    item.

    Attributes:
        one, other: the branches.
        shared: the paths that both change.
        same_item: True if both are for the same item.
        outside: each branch that changes paths of the other's item, that other branch, and the paths.
        conflicts: the paths with merge conflicts; None if git was not asked.
    """

    one: OpenBranch
    other: OpenBranch
    shared: frozenset[bytes]
    same_item: bool
    outside: Sequence[tuple[OpenBranch, OpenBranch, frozenset[bytes]]]
    conflicts: set[bytes] | None = None


class OpenBranches(Record):
    """All branches that are open at the same time.

    Attributes:
        base: the base that they are compared with.
        branches: the open branches, the youngest first.
        landed: the number of other branches, which have nothing that the base lacks.
        pairs: the pairs that overlap, those with most shared files first.
        notes: notes for the report.
    """

    base: FoundBase
    branches: Sequence[OpenBranch]
    landed: int
    pairs: Sequence[BranchPair]
    notes: Sequence[str]


def open_branches(request: Request) -> OpenBranches:
    """Find the open branches of a repository, with their items if the base has a policy.

    Args:
        request: reads its directory, environment, `base`, `authority` and `today`.

    Raises:
        SpecguardError: the base is missing, its policy is wrong, or parts of the history are missing.
    """
    now = Clock(request.today).now().timestamp()
    repository = Repository.locate(request.directory, request.environment)
    with Needed(), Git(repository) as git:
        found = find_base(git, request)
        if found.oid is None:
            raise no_base_error()
        here = RangeChange(git, request, found, head=Revision(found.oid))
        try:
            moved, policy, notes = Policies(request, repository).choose(here)
            base, tip = moved.found, moved.found.oid or found.oid
        except NoAuthorityError as error:
            base, tip, policy = found, found.oid, None
            notes = [f"No items are known: {error.message}."]
        files = git.tree_at(tip)
        refs = [(ref, git.commit(ref.oid).oid) for ref in repository.branches()]
        history = _BranchHistory(git, tip, [oid for _, oid in refs])
        branches = _join_refs(refs, history)
        starts = history.find_starts([branch.oid for branch in branches])
        _read_files(git, branches, starts, files)
        branches = [branch for branch in branches if branch.files or branch.problem]
        branches.sort(key=lambda branch: (-history.times[branch.oid], branch.name))
        for branch in branches:
            branch.owner = git.commit(branch.oid).author
            branch.age = max(0, int(now - history.times[branch.oid]) // (24 * 60 * 60))
            branch.based_on = [other.name for other in branches if history.contains(branch.oid, other.oid)]
        if policy is not None:
            _read_items(branches, policy, Documents(files))
        pairs = sorted(_overlapping_pairs(branches, history), key=lambda pair: -len(pair.shared))
        notes += _merge_pairs(git, pairs, starts)
    open_names = {short_branch(name) for branch in branches for name in branch.refs}
    landed = {ref.short for ref, _ in refs} - open_names - {short_branch(base.ref)}
    return OpenBranches(base, branches, len(landed), pairs, notes)


class _BranchHistory:
    """The commits that branches have and the base lacks, from one walk.

    Children come before their parents, so that each commit passes a bit for every tip on to its parents.

    Attributes:
        times: the commit time of each commit in seconds since 1970, children first.
    """

    def __init__(self, git: Git, base: str, tips: Sequence[str]) -> None:
        self._git = git
        self._base = base
        self._bits = {oid: 1 << at for at, oid in enumerate(tips)}
        self._tip_bits = dict(self._bits)
        self._boundary: dict[str, int] = {}
        self.times: dict[str, int] = {}
        for line in self._walk("--parents", "--boundary", "--timestamp", tips=[f"^{base}", *self._bits]):
            time, oid, *parents = line.split(" ")
            if oid.startswith("-"):
                self._boundary[oid[1:]] = int(time)
                continue
            self.times[oid] = int(time)
            for parent in parents:
                self._tip_bits[parent] = self._tip_bits.get(parent, 0) | self._tip_bits[oid]

    def _walk(self, *options: str, tips: Sequence[str]) -> Sequence[str]:
        stdin = stdin_lines(tips)
        process = self._git.start("rev-list", "--topo-order", *options, "--stdin", stdin=stdin, wide=True)
        return self._git.read(process, "the history of the branches").decode("ascii").splitlines()

    def contains(self, tip: str, other: str) -> bool:
        """True if a tip contains another tip."""
        return tip != other and bool(self._tip_bits[other] & self._bits[tip])

    def find_starts(self, tips: Sequence[str]) -> dict[str, str]:
        """Return the last commit of the base that each tip contains; tips without one are left out."""
        left = {tip: [oid for oid in self._boundary if self._tip_bits[oid] & self._bits[tip]] for tip in tips}
        times = [self._boundary[oid] for oids in left.values() if len(oids) > 1 for oid in oids]
        # If a tip merged the base, the first of its base commits in this walk contains all others.
        walk = self._walk(f"--max-age={min(times)}", tips=[self._base]) if times else ()
        places = {oid: place for place, oid in enumerate(walk)}
        return {
            tip: min(oids, key=lambda oid: places.get(oid, len(places))) for tip, oids in left.items() if oids
        }


def _join_refs(refs: Sequence[tuple[Ref, str]], history: _BranchHistory) -> list[OpenBranch]:
    """Return the branches ahead of the base, each with all its refs.

    A ref joins a branch of the same name that contains it. A remote's ref also joins one with the same tip.
    """
    joined: list[OpenBranch] = []
    order = {oid: place for place, oid in enumerate(history.times)}
    for ref, oid in sorted(refs, key=lambda one: order.get(one[1], 0)):
        if oid not in order:
            continue
        for branch in joined:
            is_behind = short_branch(branch.refs[0]) == ref.short and history.contains(branch.oid, oid)
            if is_behind or (branch.oid == oid and ref.name.startswith("refs/remotes/")):
                branch.refs.append(ref.name)
                break
        else:
            joined.append(OpenBranch(short_name(ref.name), oid, [ref.name]))
    return joined


def _read_files(git: Git, branches: Sequence[OpenBranch], starts: Mapping[str, str], base: Tree) -> None:
    """Set the files that each branch changed since it left the base, without those equal in its tip."""
    found = if_known(lambda: _diff_tips(git, starts), {})
    for branch in branches:
        if branch.oid not in starts:
            branch.problem = "it has no commit in common with the base"
            continue
        try:
            # An unreadable branch must not hide the others.
            entries = found or _diff_tips(git, {branch.oid: starts[branch.oid]})
            branch.files = frozenset(entry.path for entry in entries[branch.oid] if not base.has(entry))
        except MissingFact as missing:
            branch.problem = missing.reason


def _diff_tips(git: Git, starts: Mapping[str, str]) -> dict[str, list[Entry]]:
    """Diff all tips against the commits where they left the base, in one process."""
    found = git.commit_diffs(
        "what branches change", "--always", *RAW,
        pairs=lambda: [(git.commit(start).tree, git.commit(tip).tree) for tip, start in starts.items()],
        stdin=stdin_lines(f"{tip} {start}" for tip, start in starts.items()),
    )  # fmt: skip
    return dict(found)


def _read_items(branches: Sequence[OpenBranch], policy: Policy, documents: Documents) -> None:
    """Set the item that each branch's name names, and which of all changed files belong to the item."""
    kinds = policy.declared("work_kinds")
    names, sources = Names(kinds), Sources(kinds, documents=documents, passes=Passes.of_policy(policy))
    paths = sorted({path for branch in branches for path in branch.files})
    for branch in branches:
        try:
            item = branch.item = names.read("branch", short_branch(branch.refs[0]))
            found = match_items(sources.of(item.kind), item.id, item.fields) if item is not None else []
            if len(found) == 1:
                branch.listed = found[0]
                branch.item_files = frozenset(found[0].scope.among(paths))
        except MissingFact as missing:
            branch.problem = branch.problem or missing.reason


def _overlapping_pairs(branches: Sequence[OpenBranch], history: _BranchHistory) -> Iterator[BranchPair]:
    """Yield the pairs that overlap, except those where one branch contains the other."""
    for one, other in combinations(branches, 2):
        if history.contains(one.oid, other.oid) or history.contains(other.oid, one.oid):
            continue
        shared, same = one.files & other.files, one.same_item(other)
        outside = [
            (by, whose, paths)
            for by, whose in ((one, other), (other, one))
            if not same and (paths := by.files & whose.item_files - by.item_files)
        ]
        if shared or same or outside:
            yield BranchPair(one, other, shared, same, outside)


def _merge_pairs(git: Git, pairs: Sequence[BranchPair], starts: Mapping[str, str]) -> Iterator[str]:
    """Merge the first pairs to find conflicts, and yield a note on the pairs that were not merged."""
    merged = pairs[:LIMIT]
    try:
        found = Merges(git).merge([(pair.one.oid, pair.other.oid) for pair in merged])
    except MissingFact as missing:
        why = "that takes git 2.39 or later" if missing.code == "program-missing" else missing.reason
        yield f"No pair was asked about conflicts: {why}."
        return
    start_trees = {tip: git.tree_at(start) for tip, start in starts.items()}
    for pair, (_, conflicts) in zip(merged, found, strict=True):
        one, other = start_trees.get(pair.one.oid), start_trees.get(pair.other.oid)
        # If the base changed a path between their starts, the conflict is with the base, not in the pair.
        pair.conflicts = {
            path
            for path in conflicts
            if path in pair.shared or not (one and other) or one.find(path) == other.find(path)
        }
    if len(pairs) > LIMIT:
        yield f"Only {LIMIT} of {len(pairs)} pairs were asked about conflicts, those with most shared files."
