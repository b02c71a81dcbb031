"""The proof by runs that something is done: the run's item, tree, result, and grade.

Only `RunProof.flaw` decides. Callers describe the claim: an item and the runs that it cites, or gates and the
trees that they must have passed on.
"""

from __future__ import annotations

import os
from functools import partial

from specguard.change.tree import Tree
from specguard.errors import if_known, judge_each
from specguard.model import TYPE_CHECKING, Record, cached_method, shortened
from specguard.runs.command_inspection import cannot_fail
from specguard.runs.record import GATES, RanCommand, RunRecord, RunRecords, reaches
from specguard.work.changes import unreverted
from specguard.work.kinds import Names, WorkKind, normal_id

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from typing import Final

    from specguard.change.change import Change


_TEST_PROGRAMS: Final = ("jest", "pytest", "unittest", "vitest")
"""Programs whose name says that they test."""

_BINDING_GRADE: Final = "observed"
"""From this grade on, a run must name the item and must have run on its tree."""


class Claim(Record):
    """A claim that an item is done, or that a gate has passed.

    Attributes:
        label: the name of the claim in messages.
        kind: the kind of its item; empty: any kind.
        ids: the ids of its item; empty if it belongs to no item.
        plan: the file of the plan that lists it; empty if it is not in a plan.
        commit: the commit that did it, if known; otherwise the last commit of its item is searched.
        unambiguous: True if a commit's subject that names the item's id cannot mean another item.
        cited: the manifests that it names, each as written and as a path.
        any_run: True if runs of the item count, even if the claim does not name them.
        statement: its own statement: `person` if a person verified it, `claimed` if it repeats results.
        gate: the gate that must have passed; empty: any run that succeeded counts.
        on: the trees that the gate must have passed on.
        least: the lowest accepted grade of the gate's result.
        logged: True if the gate's log must exist, and the run must have succeeded.
        status: the claimed status.
        path, line, key: where it is, and its key among the claims there.
    """

    label: str
    kind: str = ""
    ids: Sequence[str] = ()
    plan: str = ""
    commit: str = ""
    unambiguous: bool = True
    cited: Sequence[tuple[str, bytes]] = ()
    any_run: bool = False
    statement: str = ""
    gate: str = ""
    on: Collection[str] = ()
    least: str = ""
    logged: bool = False
    status: str = "done"
    path: bytes = b""
    line: int | None = None
    key: str = ""

    def other_plan(self, run: RunRecord) -> str:
        """Return the plan of a run's item if the claim belongs to another one; otherwise empty."""
        return run.plan if self.plan and run.plan != self.plan else ""

    def names(self) -> frozenset[str]:
        """Return the normalized ids, each with and without the kind as a prefix."""
        return frozenset(name for one in map(normal_id, self.ids) for name in (one, f"{self.kind}-{one}"))


class Flaw(Record, frozen=False):
    """The reason why a claim is not proven.

    Attributes:
        reason: a clause about the run.
        unbound: True if the run succeeded, and only its grade, item or tree is insufficient.
        missing: True if the judged tree does not have the cited run.
        run: the run as messages name it; empty without a run.
    """

    reason: str
    unbound: bool = False
    missing: bool = False
    run: str = ""

    def __str__(self) -> str:
        return f"the run {self.run} {self.reason}" if self.run else self.reason


class RunProof(Record):
    """The proof that the runs of a repository provide in one tree.

    Attributes:
        records: the runs.
        change: the judged change.
        head: the commit whose history counts; None if no history is read, as for staged changes.
        kinds: the kinds of work items, whose templates identify an item's commits.
        paper: returns True if a path is a document under contract, an index, a plan or a run: runs do not
            test papers.
        least: the lowest accepted grade of evidence.
        claimed: the judged results that are only claimed, as their run is not bound to a tree.
    """

    records: RunRecords
    change: Change
    head: str | None
    kinds: Mapping[str, WorkKind]
    paper: Callable[[bytes], bool]
    least: str = "claimed"
    claimed: set[tuple[bytes, str]] = set()

    def claim(
        self, label: str, gate: str, on: Sequence[str], *, least: str = "re-run", logged: bool = False
    ) -> Claim:
        """Return the claim that a gate has passed on trees; see `Claim`."""
        return Claim(label=label, gate=gate, on=on, least=least, logged=logged)

    def judge(self, claim: Claim, *, by_run: bool = False) -> Flaw | None:
        """Return the reason why nothing proves a claim; None if a run or its own statement does.

        The statement `person` always proves it, `claimed` only if the lowest accepted grade is `claimed`, and
        not if the claim is to be proved `by_run`. A cited run that failed contradicts `claimed`.

        Raises:
            MissingFact: a cited run is not visible from here, and nothing else proves the claim.
        """
        if claim.statement == "person":
            return None
        flaw = self._judge(claim, by_run=by_run)
        if flaw is None and self.least == "claimed":
            self.claimed.add((claim.path, claim.key))
        return flaw

    def _judge(self, claim: Claim, *, by_run: bool) -> Flaw | None:
        stated, found = claim.statement and not by_run, Flaw("no run shows it")
        if stated and self.least == "claimed":
            if not self.contradicts(path for _, path in claim.cited):
                return None
        elif stated:
            found = Flaw(f"what shows it is {claim.statement} and not {self.least}", unbound=True)
        for name, flaw in self.run_flaws(claim):
            if flaw is None:
                return None
            flaw.run = name
            found = flaw if flaw.unbound or not (found.unbound or found.run) else found
        if claim.any_run and not (found.run or self.records.in_tree):
            raise self.records.unseen(f"a run of {claim.label}")
        return found

    def contradicts(self, manifests: Iterable[bytes]) -> bool:
        """True if a run with one of some manifests failed, and none of those that can be seen succeeded."""
        runs = [if_known(partial(self.records.at, path), None) for path in manifests]
        return any(run and run.failed for run in runs) and not any(run and run.succeeded for run in runs)

    def run_flaws(self, claim: Claim) -> Iterator[tuple[str, Flaw | None]]:
        """Yield each run that could prove a claim, with the reason why it does not, or None."""
        yield from judge_each(claim.cited, lambda one: [(one[0], self.flaw(self.records.at(one[1]), claim))])
        for run in self.records.all if claim.any_run else ():
            if self._names_item(run, claim) and run.succeeded:
                yield run.shown, self.flaw(run, claim)

    def flaw(self, run: RunRecord | None, claim: Claim) -> Flaw | None:
        """Return the reason why a run does not prove a claim; None if it does.

        A done or ticked item needs a run that succeeded and does not name other items. From the grade
        `observed` on, the run must name the item. Its tree must be, apart from papers, the judged tree or one
        that contains the item's change. A gate needs its last result on one of the trees in `on`. A `logged`
        gate may be any command with that word, with its log, of a run that succeeded.

        Raises:
            MissingFact: a required object is missing.
        """
        if run is None:
            return Flaw("does not exist in the judged tree", missing=True)
        if run.problem:
            return Flaw(f"cannot be read: {run.problem}")
        if self.change.whole and run.native and run.misfit:
            return Flaw(f"has a manifest that does not fit its schema: {run.misfit}")
        if claim.gate and not claim.logged:
            reason = self._gate_flaw(run, claim)
            return Flaw(reason) if reason else None
        if not run.succeeded:
            text = f"did not succeed: its status is {shortened(run.state)!r}"
            return Flaw(text if run.state else "does not say that it succeeded: it has no status")
        if run.ids and claim.ids and not self._names_item(run, claim):
            plan = claim.other_plan(run)
            names = " and ".join(run.ids) + (f" of {plan}" if plan else "")
            return Flaw(f"belongs to {shortened(names)}, and not to {' or '.join(claim.ids)}")
        if claim.logged:
            reason = self._command_flaw(run, claim)
        else:
            reason = self._bound_flaw(run, claim) if reaches(self.least, _BINDING_GRADE) else ""
        return Flaw(reason, unbound=True) if reason else None

    def _names_item(self, run: RunRecord, claim: Claim) -> bool:
        """True if a run names the claim's item."""
        if claim.other_plan(run) or (run.kind and claim.kind and run.kind not in (claim.kind, GATES)):
            return False
        names = claim.names()
        for one in run.ids or ([] if run.kind == GATES else [run.item]):
            # The item id of a run of an item's gates is `<kind>-<id>`.
            kind, _, rest = one.partition("-") if run.kind == GATES else ("", "", one)
            if normal_id(one) in names or (normal_id(rest) in names and claim.kind in ("", kind)):
                return True
        return False

    def _bound_flaw(self, run: RunRecord, claim: Claim) -> str:
        """Return why a run that succeeded is not bound to its item and tree, or has too low a grade."""
        if not claim.ids:
            return f"belongs to {shortened(' and '.join(run.ids)) or 'no item'}, and the tick names no item"
        if not reaches(run.grade, self.least):
            return f"is {run.grade} and not {self.least}"
        if not self._names_item(run, claim):
            return f"does not say that it belongs to {' or '.join(claim.ids)}"
        trees, git = run.trees, self.change.git
        if not trees and run.commit:
            trees = frozenset([git.commit(run.commit).tree] if git.resolve(run.commit) else [])
        if not trees:
            return "does not say on which tree it ran"
        if all(self._has_change(tree, run, claim) for tree in trees):
            return ""
        return f"ran on the tree {min(trees)[:12]}, and what is judged has changed since"

    def _has_change(self, tree: str, run: RunRecord, claim: Claim) -> bool:
        """True if, apart from papers, a tree is the judged one or that of a commit with the change."""
        content = self._run_content(tree, run)
        # Staged changes are judged without history; the check of their commits decides.
        if (content and content == self._content_of("")) or self.head is None:
            return True
        since = claim.commit or self._last_commit(run, claim)
        if (since or self.change.whole) and tree in self._trees_since(since):
            return True
        if not since:
            return False
        made = self._content_of(self.change.git.commit(since).tree)
        return content == made or self._same_change(run, since)

    def _last_commit(self, run: RunRecord, claim: Claim) -> str:
        """Return the commit that changed the claim's item last; empty if no commit names the item or run."""
        if claim.unambiguous and claim.ids:
            names = Names(self.kinds)
            wanted = {normal_id(one) for one in claim.ids}
            for commit, naming in unreverted(self.change.mentioning(names.literals()), names):
                if claim.kind in ("", naming.kind) and normal_id(naming.id) in wanted:
                    return commit.oid
        line, past = f"{self.records.settings.trailer}: {run.shown}", self.change.mentioning([run.shown])
        return next((one.oid for one in past if line in one.message.split("\n")), "")

    def _trees_since(self, since: str) -> Collection[str]:
        """Return the trees of the commits from `since` to the head; the whole history if it is empty."""
        words = ["--ancestry-path", f"^{since}"] if since else []
        listing = ("log", "--format=%T", *words, self.head or "", "--")
        trees = self.change.git.ask("the history of the head", *listing).decode("ascii").split()
        return {*trees, *([self.change.git.commit(since).tree] if since else [])}

    def _run_content(self, tree: str, run: RunRecord) -> str:
        """Return the identity of a run's tree without papers; empty if it is unknown."""
        return if_known(lambda: self._content_of(tree), run.content if tree == run.tree else "")

    @cached_method
    def _content_of(self, tree: str) -> str:
        """Return the identity of a tree without papers, by its object id; empty: the judged tree."""
        return content_id(Tree(self.change.git, tree) if tree else self.change.head_files, self.paper)

    def _same_change(self, run: RunRecord, oid: str) -> bool:
        """True if a commit has the changes of the run's patch, rebased as platforms do on merge."""
        parent = next(iter(self.change.git.commit(oid).parents), "")
        if not run.native or not parent:
            return False
        entries = self.change.git.diff_trees(parent, oid)
        changes = {f"{one.old}..{one.new}".encode() for one in entries if one.old != one.new}
        patch = run.read("diff.patch") or b""
        lines = [line.split() for line in patch.split(b"\n") if line.startswith(b"index ")]
        return bool(changes) and changes == {words[1] for words in lines if len(words) > 1}

    def _gate_flaw(self, run: RunRecord, claim: Claim) -> str:
        """Return why a run does not prove a gate on the claimed trees, as the end of a sentence."""
        last = (one for tree in claim.on for one in run.last(claim.gate, tree))
        if flaws := [self._result_flaw(run, one, claim) for one in last]:
            return next(filter(None, flaws), "")
        ran = [one for one in run.commands if claim.gate in (one.name, one.text)]
        message = f"has no result of the gate {claim.gate} for {claim.label}"
        if not ran:
            return message
        other = f"tree {ran[-1].tree[:12]}" if ran[-1].tree else "a tree that it does not name"
        return f"{message}: its last one is for {other}"

    def _command_flaw(self, run: RunRecord, claim: Claim) -> str:
        """Return why a run that succeeded does not prove a command with a certain word and its log."""
        able = (one for one in run.commands if not cannot_fail(one.text))
        # `npm run build:all` is a build.
        lines = ((one, f" {line}".partition(" #")[0]) for one in able for line in one.text.split("\n"))
        wanted = {claim.gate, *(_TEST_PROGRAMS if claim.gate == "test" else ())}
        named = [one for one, line in lines if wanted & {one.name, *line.replace(":", " ").split()}]
        # If a command ran twice, its last result counts.
        last = {one.text or one.name: one for one in named}
        ran = (one for one in last.values() if self._ran_on(one.tree, run, claim))
        flaws = [self._result_flaw(run, one, claim) for one in ran]
        return "" if "" in flaws else next(iter(flaws), f"has no result of {claim.gate} for {claim.label}")

    def _ran_on(self, tree: str, run: RunRecord, claim: Claim) -> bool:
        """True if a command ran on one of the claimed trees, or on the judged one apart from papers.

        Without a tree, one of their commits must have added or changed the manifest.
        """
        if not tree and self.records.in_tree and self.head and claim.on:
            return any(one.tree in claim.on for one in self.change.touching.get(run.file_path() or b"", ()))
        if not tree or tree in claim.on:
            return True
        content = self._run_content(tree, run)
        # Staged changes are not committed yet: if trees cannot be compared here, the check of the commit
        # does.
        return content == self._content_of("") if content else self.head is None

    def _result_flaw(self, run: RunRecord, one: RanCommand, claim: Claim) -> str:
        if not one.succeeded:
            ended = f"ended with {one.exit_code}" if one.exit_code else "did not succeed"
            return f"has the gate {claim.gate}, which {ended} for {claim.label}"
        if claim.least and not reaches(one.grade, claim.least):
            text = f"{one.grade} and not {claim.least}"
            return f"has a result of the gate {claim.gate} for {claim.label} that is {text}"
        # The manifest itself is no log.
        is_log = os.path.basename(one.log) not in ("", os.fsdecode(run.file))
        if claim.logged and not (is_log and run.read(one.log) is not None):
            return f"has no log of {claim.gate}"
        return ""


def content_id(tree: Tree, paper: Callable[[bytes], bool]) -> str:
    """Return the identity of a tree without papers: the sha256 of modes, object ids and paths.

    Raises:
        MissingFact: a part of the tree is missing.
    """
    from specguard.change.entries import sha256

    found = ((path, tree.find(path)) for path in tree.paths() if not paper(path))
    parts = [f"{entry.mode:o} {entry.oid}\0".encode() + path + b"\0" for path, entry in found if entry]
    return sha256(b"".join(parts))
