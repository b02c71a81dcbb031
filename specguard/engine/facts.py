"""The facts that a rule may ask for, by name; each is fetched once, on first use."""

from __future__ import annotations

from functools import cached_property

from specguard.change.change import Bookkeeping, Change
from specguard.change.git import History
from specguard.change.object_store import Objects
from specguard.change.tree import Documents
from specguard.errors import MissingFact, NotApplicable, SpecguardError, if_applicable, if_known, usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date, datetime
    from typing import Any, Final

    from specguard.approvals.approvals import Approvals
    from specguard.artifacts.artifacts import Artifacts
    from specguard.authority.policy import Guards, Policy, PolicyChange
    from specguard.change.entries import Commit, Message
    from specguard.change.worktree import Worktree
    from specguard.engine.done_claims import Claims
    from specguard.model import RuleResult
    from specguard.plans.plans import Plans
    from specguard.runs.proof import RunProof
    from specguard.runs.record import RunRecords
    from specguard.specs.specs import Specs
    from specguard.waves.breakdowns import Breakdowns
    from specguard.waves.waves import Waves
    from specguard.work.item_lists import Listed, Sources
    from specguard.work.named_items import Work, WorkItem


RELEASE_YEAR: Final = 2026
"""The year of the first release; a clock that shows an earlier year was never set."""


class Clock:
    """The date and time of a check.

    Args:
        option: the value of `--today`; empty: the clock's UTC date.

    Raises:
        SpecguardError: the value is not a date.
    """

    def __init__(self, option: str) -> None:
        self._option = option
        try:
            if option:
                self.today()
        except ValueError:
            raise usage(f"--today {option!r} is not a date", "write it as 2026-01-31") from None

    def today(self) -> date:
        """The UTC date."""
        import datetime

        if self._option:
            return datetime.date.fromisoformat(self._option)
        return datetime.datetime.now(datetime.UTC).date()

    def now(self) -> datetime:
        """Return the UTC time; with `--today`, the end of that day.

        Raises:
            MissingFact: the clock shows a year before the first release.
        """
        import datetime

        if self._option:
            return datetime.datetime.combine(self.today(), datetime.time(23, 59, 59), tzinfo=datetime.UTC)
        now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
        if now.year < RELEASE_YEAR:
            what = f"the clock says {now:%Y-%m-%d}, so it was never set"
            raise MissingFact(what, "set the clock", code="clock-unset")
        return now


CHANGE_FACTS: Final = (
    "stage", "whole", "entries", "commits", "merges", "branch", "pull_request", "base", "base_files",
    "start_files", "head_files", "documents", "start_documents", "lines", "origin", "refs", "push", "history",
)  # fmt: skip
"""The facts that are attributes of the change, which describes them."""


class Facts:
    """The facts of one change under one policy.

    Each public property below is a fact, as is each name in `CHANGE_FACTS`. Its name is the parameter of a
    rule's `check`, and its annotation is the one that the rule must use. With ` | None` and the default None,
    the rule accepts a fact that may not belong to the change. Values are frozen; None and empty are answers,
    and never mean "not known".

    Attributes:
        change: the judged change.
        time_dependent: True if another time could give another result, as a fact depends on the time of day,
            on fetched commits or on local runs. Also true if the report has a note on a fact.
        notes: sentences about facts that could not be read.
        root: the local folder of all runs; empty: the policy's.
        least_grade: the lowest accepted grade of evidence; empty: the policy's.
        known: the facts that were asked for.
        results: the results of all other rules, once they have judged, for the fact `approvals`.
    """

    def __init__(self, change: Change, policy: Policy) -> None:
        self.change = change
        self._policy = policy
        # What is not committed yet, the history does not contain.
        self._is_before_commit = change.stage in ("edit", "staged", "commit-msg")
        self.clock = Clock(change.request.today)
        self.known: dict[str, Any] = {}
        self._missing: dict[str, MissingFact | NotApplicable] = {}
        self.time_dependent = False
        self.notes: list[str] = []
        self.root = ""
        self.least_grade = ""
        self.results: Sequence[RuleResult] = ()

    def get(self, name: str) -> Any:
        """Return the value of a fact, or of a declaration's fact.

        Raises:
            MissingFact: the fact is not available.
            NotApplicable: the fact does not belong to this change.
        """
        if name in self.known:
            return self.known[name]
        if name in self._missing:
            raise self._missing[name]
        try:
            if name in CHANGE_FACTS or hasattr(type(self), name):
                value = getattr(self.change if name in CHANGE_FACTS else self, name)
            else:
                value = self._policy.declared(name)
        except (MissingFact, NotApplicable) as absent:
            self._missing[name] = absent
            raise
        self.known[name] = value
        return value

    def remarks(self) -> Sequence[str]:
        """Return notes for the report: unread facts, items that are only claimed, and runs made elsewhere."""
        proof: RunProof | None = self.known.get("run_proof")
        if proof is not None and (count := len(proof.claimed)):
            named = self._policy.declared("work_kinds") or self._policy.declares("plan_kinds")
            items = "" if named else " and the items in [work.<kind>]"
            bound = f'With [runs] grade = "observed"{items} each run is bound to its item and tree.'
            self.notes.append(f"Done or ticked only by a claim: {count}. {bound}")
        if proof is not None and (count := len(proof.records.lost)):
            self.notes.append(f"Runs that commits name and that are not here, so not judged: {count}.")
        return self.notes

    @property
    def bookkeeping(self) -> Bookkeeping:
        """The part of the change that files approvals and runs in addition to the work."""
        squash = self._policy.merge == "squash"
        return Bookkeeping(self.change, self._policy.log_folder, runs=self._committed_runs, squash=squash)

    def _committed_runs(self) -> bytes:
        """Return the path prefix of runs if the policy has them committed; otherwise empty."""
        if not self._policy.declares("run_settings"):
            # The default is `keep = "local"`, and no import is needed to know that.
            return b""
        settings, above = self._policy.declared("run_settings"), self._policy.above
        # Below a floor, nobody takes any folder for that of runs.
        moved = above is not None and above.declared("run_settings").folder != settings.folder
        folder: bytes = settings.folder if settings.keep == "tree" and not moved else b""
        return folder

    @property
    def messages(self) -> Sequence[Message]:
        """The commit messages to judge: those of commits, the one being written, or the title of a squash."""
        return self.change.messages(self._policy.merge)

    @property
    def objects(self) -> Objects:
        """The sizes and contents of the objects that entries name."""
        return Objects(self.change.git)

    @property
    def worktrees(self) -> Sequence[Worktree]:
        """The repository's worktrees."""
        from specguard.change.worktree import worktrees

        return worktrees(self.change.git.repository)

    @property
    def work(self) -> Work:
        """The work items that the change names, and the names."""
        if not self._policy.declared("work_kinds"):
            # The template reader costs a hook more to import than most rules cost to run.
            raise NotApplicable("the policy describes no work items ([work.<kind>])")
        if self.change.stage == "push" and self.change.push.new is None:
            raise NotApplicable("the push deletes a ref, whatever item its name has")
        from specguard.work.named_items import Work

        work = Work.of(self.change, self._policy)
        if work.own is not None:
            self.notes.append(work.own.note)
        return work

    @property
    def work_item(self) -> WorkItem:
        """The work item that the change implements."""
        work: Work = self.get("work")
        return work.item

    @property
    def sources(self) -> Sources:
        """The files of the judged tree that list work items."""
        kinds = {name: kind for name, kind in self._policy.declared("work_kinds").items() if kind.source}
        if not kinds:
            raise NotApplicable("no kind of work item has a source ([work.<kind>] source)")
        from specguard.work.item_lists import Sources
        from specguard.work.kinds import Passes

        sources = Sources(kinds, self.change.documents, self.change, passes=Passes.of_policy(self._policy))
        self.set_done(sources, self.change.base.head or self.change.found.oid, lambda: self.change.commits)
        return sources

    @property
    def artifacts(self) -> Artifacts:
        """The files that fall under the policy's contracts."""
        self._get_table("contracts", "artifacts.<name>")
        return self._artifacts(self.change.documents, branches=self._is_branch)

    def _artifacts(self, documents: Documents, **more: Any) -> Artifacts:
        from specguard.artifacts.artifacts import Artifacts
        from specguard.work.kinds import Passes

        return Artifacts(
            self._policy.declared("contracts"),
            change=self.change,
            documents=documents,
            today=self.clock.today,
            now=self._now,
            wave_passes=Passes.of_policy(self._policy),
            work=lambda: self.work_items,
            item=lambda: self.if_declared("work_item"),
            **more,
        )

    @cached_property
    def work_items(self) -> Work | None:
        """The work items, without named items if names are missing; None if the policy has no kinds."""
        try:
            work: Work | None = self.if_declared("work")
        except MissingFact:
            from specguard.work.named_items import Work

            work = Work.of_policy(self._policy, lambda: self.change.paper_files)
        return work

    def _is_branch(self, name: str) -> bool:
        """True if a branch is judged, or the policy or a listed item names it; it may be deleted already."""
        # What is no branch may be a commit that a fetch brings, and a cached outcome's key has only branches.
        self.time_dependent = True
        change = self.change
        judged = if_known(lambda: change.branch.name, "")
        named = {judged, self._policy.base, change.found.name.removeprefix("origin/")}
        if name in named or self._policy.declared("wave_settings").has_branch(name):
            return True
        sources: Sources | None = self.if_declared("sources")
        return sources is not None and any(item.branch == name for one in sources.all for item in one.items)

    @property
    def specs(self) -> Specs:
        """The specs and their approvals, reviews and statuses."""
        settings = self._get_table("spec_settings", "specs")
        from specguard.specs.specs import Specs

        return Specs(settings, self.change, today=self.clock.today)

    @property
    def plans(self) -> Plans:
        """The plans and their tasks."""
        kinds = self._get_table("plan_kinds", "plans.<name>")
        from specguard.plans.plans import Plans

        return Plans(kinds, change=self.change, documents=self.change.documents)

    @property
    def waves(self) -> Waves:
        """The waves, each with the state of its stages."""
        self._get_table("wave_settings", "wave")
        artifacts, plans = self.get("artifacts"), self.if_declared("plans")
        return self._waves(self._item_sources, artifacts, plans, trusted=self._trusted_waves)

    def _waves(
        self, sources: Sources, artifacts: Artifacts, plans: Plans | None = None, **more: Any
    ) -> Waves:
        from specguard.plans.plans import Plans
        from specguard.waves.waves import Waves

        return Waves(
            self._policy.declared("wave_settings"),
            artifacts=artifacts,
            sources=sources,
            plans=plans or Plans({}, change=self.change, documents=sources.documents),
            log_folder=self._policy.log_folder,
            **more,
        )

    def _trusted_waves(self) -> Waves:
        """Return the waves of the trusted base, where nothing in the change can mark an item as done."""
        from specguard.work.item_lists import Sources

        documents, known = Documents(self.change.paper_files), self._item_sources
        sources = Sources(known.kinds, documents=documents, passes=known.passes)
        self.set_done(sources, (self.change.stacked_on or self.change.found).oid, tuple)
        return self._waves(sources, self._artifacts(documents))

    @property
    def _item_sources(self) -> Sources:
        """The files that list work items; empty if no kind of the policy has a source."""
        from specguard.work.item_lists import Sources

        return self.if_declared("sources") or Sources({}, self.change.documents, self.change)

    @property
    def breakdowns(self) -> Breakdowns:
        """The items that sources list, with what other documents say about them."""
        from specguard.waves.breakdowns import Breakdowns

        return Breakdowns(
            self._item_sources,
            change=self.change,
            artifacts=self.if_declared("artifacts") or self._artifacts(self.change.documents),
            waves=self.if_declared("waves"),
            proof=self.get("run_proof"),
        )

    @property
    def run_records(self) -> RunRecords:
        """The visible runs, each with its record."""
        records: RunRecords = self.get("run_proof").records
        if not records.visible:
            where = records.settings.root or records.settings.path
            why = f'runs are kept with keep = "local", and no folder {where} is here'
            # In front of every commit it would be noise: a push says it.
            if not self._is_before_commit:
                self.notes.append(f"No rule about runs is asked: {why}.")
            raise NotApplicable(why)
        return records

    @property
    def run_proof(self) -> RunProof:
        """The proof by runs that items are done."""
        from specguard.runs.proof import RunProof

        # The record of a run is there when it has ended. Behind its hooks, it judges the same files itself.
        if self._is_before_commit and not self.change.request.enforce and self.change.git.repository.is_place:
            raise NotApplicable("the run is under way, and judges this itself behind its hooks")
        return RunProof(
            records=self._records(),
            change=self.change,
            head=None if self._is_before_commit else self.change.base.head,
            kinds=self._policy.declared("work_kinds"),
            paper=lambda path: self._paper_test(path),
            least=self.least_grade or self._policy.declared("run_settings").grade or "claimed",
        )

    @property
    def claims(self) -> Claims:
        """The claims that something is done."""
        from specguard.engine.done_claims import Claims

        return Claims(self)

    @cached_property
    def _paper_test(self) -> Callable[[bytes], bool]:
        from specguard.engine.done_claims import make_paper_test

        return make_paper_test(self._policy)

    def _records(self) -> RunRecords:
        from specguard.change.ranges import RunChange
        from specguard.runs.record import RunRecords

        return RunRecords(
            self._policy.declared("run_settings"),
            documents=self.change.documents,
            root=self._run_root,
            entries=lambda: self.change.entries,
            now=self._now,
            under_way=self.change.base.head or "" if isinstance(self.change, RunChange) else "",
            whole=self.get("whole"),
        )

    def _run_root(self) -> str | None:
        """Return the local folder of all runs, which may be missing; None if its path is unknown."""
        from specguard.runs.files import run_root

        # It is asked for only if runs are not in the tree, and what is there does not follow from commits.
        self.time_dependent = True
        try:
            return self.root or run_root(self._policy.declared("run_settings"), self.change.git.repository)
        except SpecguardError:
            return None

    def _now(self) -> datetime:
        from datetime import UTC, datetime

        self.time_dependent = True
        return datetime.now(UTC)

    def if_declared(self, fact: str) -> Any:
        """Return a fact; None if it does not apply, for example because the policy does not declare it."""
        return if_applicable(lambda: self.get(fact), None)

    def set_done(
        self, sources: Sources, tip: str | None, commits: Callable[[], Sequence[Commit]] | None = None
    ) -> None:
        """Let commits decide which listed items they did, and with waves if more than a status proves it.

        Staged changes are judged without history. There an item counts as done if a commit could do it, and
        the check of the commits corrects that.

        Args:
            sources: the files that list the items.
            tip: the commit whose history proves a status.
            commits: returns commits that are not in the history yet, which is then the change's; None: only
                the history of `tip` does items.
        """
        sources.assumed = commits is not None and self._is_before_commit
        if sources.assumed:
            named = {name for name, kind in sources.kinds.items() if kind.commit or kind.pull_request}
            sources.landed = lambda listed: listed.source.kind in named
            return
        past = History(self.change.git, tip)
        if any(kind.commit or kind.pull_request for kind in sources.kinds.values()):
            from specguard.work.changes import LandedItems
            from specguard.work.kinds import Names

            names = Names(self._policy.declared("work_kinds"))
            history = self.change.history if commits else past
            sources.landed = LandedItems(sources, names, history=history, commits=commits or tuple)
        if not self._policy.declares("wave_settings"):
            return
        from specguard.work.changes import DoneEvidence

        settings = self._policy.declared("wave_settings")
        plans = self._policy.declares("plan_kinds")
        items = {stage.items for stage in settings.stages if not (plans and stage.items == "tasks")}
        kinds = items | {name.removesuffix("s") for name in items}
        sources.shown = DoneEvidence(sources, kinds, history=past, run_shows=self._has_run)

    def _has_run(self, listed: Listed) -> bool:
        """True if a visible run proves that a listed item was done."""
        from specguard.runs.proof import Claim

        # A cached result would leave out the note on items that only a claim shows.
        self.time_dependent = True
        kind, path = listed.source.kind, listed.source.path
        claim = Claim(label=str(listed), kind=kind, ids=[listed.id], any_run=True, path=path, key=listed.id)
        return bool(if_known(lambda: self.get("run_proof").judge(claim) is None, False))

    def _get_table(self, fact: str, table: str) -> Any:
        """Return the settings of a table; if the policy has none, nothing is imported for them."""
        if not self._policy.declares(fact):
            raise NotApplicable(f"the policy has no [{table}]")
        return self._policy.declared(fact)

    @property
    def policy(self) -> Policy:
        """The policy that judges."""
        return self._policy

    @property
    def guards(self) -> Guards:
        """Every forbidden and locked pattern of the policy."""
        return self._policy.guards

    @property
    def approvals(self) -> Approvals:
        """The approvals of the change, for rules of the family `APR`, which run after all others."""
        from specguard.approvals.approvals import Approvals

        return Approvals(self, self.results)

    @property
    def policy_change(self) -> PolicyChange:
        """The effect of the change on the policy, setting by setting."""
        from specguard.engine.trusted_policy import compare_policies

        return compare_policies(self._policy, self.change)

    @property
    def today(self) -> date:
        """The UTC date of the check."""
        return self.clock.today()


def fact_types() -> Mapping[str, str]:
    """Return each fact's name and its annotation as written, to check a rule when it registers."""
    own = [name for name, one in vars(Facts).items() if isinstance(one, property) and name[0] != "_"]
    named = [*((Change, name) for name in CHANGE_FACTS), *((Facts, name) for name in own)]
    return {name: _annotation(owner, name) for owner, name in named}


def _annotation(owner: type, name: str) -> str:
    """Return the annotation of a field, or of what a property returns."""
    attribute: Any = vars(owner).get(name)
    function = getattr(attribute, "fget", None) or getattr(attribute, "func", None)
    return str(function.__annotations__["return"] if function else owner.__annotations__[name])
