"""Which item a run works on: the one that is named, else the current one, else the next that is open."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

from specguard.change.tree import Documents, Tree
from specguard.documents.content import owes
from specguard.errors import SpecguardError
from specguard.executor.item import Plain, is_paper, paper_item, shares, task_of
from specguard.model import path_text
from specguard.plans.verification import commands_of
from specguard.work.changes import Landings, OwnPlan, own_plan, shared_kinds
from specguard.work.item import Unresolved, WorkItem
from specguard.work.items import Work
from specguard.work.kinds import WorkKind, normal_id, number_of
from specguard.work.sources import Listed, Sources
from specguard.work.templates import PathTemplate, Template, Unrendered

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from specguard.authority.policy import Policy
    from specguard.change.git import History
    from specguard.executor.run import RunOptions


class Chooser:
    """Chooses the item of a run from a base.

    Args:
        options: what was asked for.
        policy: the base's.
        tree: its files.
        history: its commits.
        at: gives what the tip of a branch of the canonical repository has; None: there is no such branch.
        base: the base's commit.
        branch: the short name of the branch that is checked out; empty where none is.

    Attributes:
        work: the work items of the base.
        documents: the documents of the base.
    """

    def __init__(
        self,
        options: RunOptions,
        policy: Policy,
        tree: Tree,
        history: History,
        at: Callable[[str], Plain | None] = lambda _: None,
        *,
        base: str = "",
        branch: str = "",
    ) -> None:
        self._base = base
        self._branch = branch
        self._options = options
        self._policy = policy
        self._at = at
        self._known: dict[str, Callable[[Listed], bool]] = {}
        self._history = history
        self.documents = Documents(tree)
        self._kinds: Mapping[str, WorkKind] = policy.declared("work_kinds")
        self.work = Work(
            self._kinds, (), tree=lambda: tree, base=policy.base or "", remote=policy.remote or ""
        )

    def item(self) -> WorkItem:
        """The item, with a branch, a commit's subject, and a document where its kind has any.

        Raises:
            SpecguardError: there is none, with all that was tried, or it is done with or waits for another.
            MissingFact: the base cannot be read.
        """
        kind = self._options.kind
        if is_paper(self._policy, kind):
            return paper_item(self._policy, self._options, self.documents.tree)
        if kind not in self._kinds:
            raise SpecguardError(
                f"the policy describes no {kind or 'work item'}",
                help=f"it describes: {', '.join(self._kinds)}"
                if self._kinds
                else "describe one: a table [work.<kind>] of SPEC_AUTHORITY.md",
                code="incomplete-policy",
            )
        found = self._listed(kind) if self._kinds[kind].source else self._pointed(kind)
        if isinstance(found, Unresolved):
            raise _unresolved(kind, found, self._where(kind))
        self._check(found)
        return found

    def _where(self, kind: str) -> str:
        """Where an item's plan may be, for one that is in no list."""
        plan = shared_kinds(self._policy).get(kind)
        if plan is None or plan.trusted != "branch":
            return "have it corrected in the base, by a change of its own"
        return (
            f"merge the plan, or let it be the first commit of its branch ({self._kinds[kind].branch}), and "
            "push that"
        )

    def _pointed(self, kind: str) -> WorkItem | Unresolved:
        item_id = self._options.item
        if item_id:
            return self.work.resolve(kind, item_id, number_of(item_id), {})
        if not self._kinds[kind].pointer:
            raise SpecguardError(
                f"a {kind} has no pointer that names the current one",
                help=f"specguard run {kind} ID -- ...",
                code="incomplete-policy",
            )
        return self.work.current(kind)

    def _listed(self, kind: str) -> WorkItem | Unresolved:
        """An item of a list: the one that is named, else the first that is open and waits for nothing."""
        told = self._told(kind) or self._told_here(kind)
        self.work.own = self._own(kind, told)
        item_id = self._options.item
        if not item_id:
            one = self._next(kind, told)
            return self.work.resolve(kind, one.id, one.number, {**told, **one.source.given})
        found = self.work.resolve(kind, item_id, number_of(item_id), told)
        if not isinstance(found, Unresolved) and found.listed is not None:
            self._check_ready(found.listed)
        return found

    def _told(self, kind: str) -> Mapping[str, str]:
        """What the name of a plan's file tells."""
        plan = self._options.plan
        if not plan:
            return {}
        path = os.fsencode(os.path.normpath(plan))
        for text in self._kinds[kind].sources:
            given = PathTemplate(text).read(path)
            if given is not None:
                return given
        raise SpecguardError(
            f"{plan} is no list of {kind}s; tried: {', '.join(self._kinds[kind].sources)}",
            help="name it from the repository's root",
            code="item-unready",
        )

    def _told_here(self, kind: str) -> Mapping[str, str]:
        """What the branch that is checked out tells, where it brings its plan and no other is named."""
        told = Template(self._kinds[kind].branch).read(self._branch) if self._branch else None
        return told if told and self._own(kind, told) is not None else {}

    def _own(self, kind: str, told: Mapping[str, str]) -> OwnPlan | None:
        """The plan that its branch brings, where the base has none."""
        if kind not in shared_kinds(self._policy):
            return None
        try:
            branch = Template(self._kinds[kind].branch).render(told)
        except Unrendered:
            return None
        tip = self._at(branch)
        if tip is None:
            return None
        papers = self.documents.tree
        return own_plan(self._policy, branch, tip.git, head=tip.oid, base=self._base, papers=papers)

    def _sources(self) -> Sources:
        own = self.work.own
        sources = Sources(self._kinds, documents=self.documents if own is None else own.documents)
        landed = Landings(sources, self.work.names, history=self._history, commits=lambda: ())
        sources.landed = lambda listed: landed(listed) or self._done_on_branch(listed)
        return sources

    def _done_on_branch(self, listed: Listed) -> bool:
        """Whether a task was done on the branch that it shares with the other ones of its plan."""
        item = self.work.resolve(listed.source.kind, listed.id, listed.number, listed.source.given)
        if isinstance(item, Unresolved) or not item.branches or not shares(self._policy, item):
            return False
        branch = item.branches[0]
        if branch not in self._known:
            tip = self._at(branch)
            self._known[branch] = (lambda _: False) if tip is None else self._done_at(tip)
        return self._known[branch](listed)

    def _done_at(self, tip: Plain) -> Callable[[Listed], bool]:
        sources = Sources(self._kinds, documents=tip.documents)
        sources.landed = Landings(sources, self.work.names, history=tip.history, commits=lambda: ())

        def done(listed: Listed) -> bool:
            found = sources.at(listed.source.path)
            same = [one for one in found.items if one.id == listed.id] if found is not None else []
            return any(map(sources.done, same))

        return done

    def _next(self, kind: str, told: Mapping[str, str]) -> Listed:
        sources = self._sources()
        waiting: list[str] = []
        ready: list[Listed] = []
        for source in sources.of(kind):
            if any(source.given.get(name, value) != value for name, value in told.items()):
                continue
            if source.problem:
                raise SpecguardError(
                    f"{path_text(source.path)} {source.problem}",
                    path=path_text(source.path),
                    code="item-unready",
                )
            for listed in source.items:
                if listed.deferred or listed.conditional or sources.done(listed):
                    continue
                needs = _open_needs(listed, sources)
                if not needs:
                    ready.append(listed)
                    break
                waiting.append(f"{listed.id} waits for {', '.join(needs)}")
        if not ready:
            tried = "; ".join(waiting) or ", ".join(self._kinds[kind].sources)
            raise SpecguardError(
                f"no {kind} is open and ready; tried: {tried}",
                help=f"specguard run {kind} ID -- ...",
                code="item-unready",
            )
        if len(ready) > 1:
            places = ", ".join(f"{one.id} of {path_text(one.source.path)}" for one in ready)
            raise SpecguardError(
                f"several {kind}s could be the next: {places}",
                help=f"specguard run {kind} ID --plan {path_text(ready[0].source.path)} -- ...",
                code="item-unready",
            )
        return ready[0]

    def _check_ready(self, listed: Listed) -> None:
        sources = self._sources()
        place = path_text(listed.source.path)
        if sources.done(listed):
            said = f"its status is {listed.status}" if listed.closed else "a commit of the base did it"
            raise SpecguardError(
                f"{listed} is done already: {said}",
                help="take the next one, or have its status corrected in the base",
                path=place,
                line=listed.line,
                code="item-unready",
            )
        needs = _open_needs(listed, sources)
        kind, earlier = listed.source.kind, {normal_id(one) for one in self._options.earlier}
        if kind in shared_kinds(self._policy):
            # The run of the one before goes on the same branch.
            needs = [one for one in needs if normal_id(one) not in earlier]
        if needs:
            below = self._branch_of(listed, needs[0], begun=normal_id(needs[0]) in earlier)
            raise SpecguardError(
                f"{listed} waits for {', '.join(needs)}",
                help=f"merge the request of {below} first; or stand on it: "
                f"{shlex.join(['specguard', 'run', kind, listed.id, '--base', below])} -- ..."
                if below
                else f"specguard run {kind} {needs[0]} -- ...",
                path=place,
                line=listed.line,
                code="item-unready",
            )

    def _branch_of(self, listed: Listed, need: str, *, begun: bool) -> str:
        """The branch of an item that another one needs, where it is there or its run comes before."""
        item = self.work.resolve(listed.source.kind, need, number_of(need), listed.source.given)
        branches = () if isinstance(item, Unresolved) else item.branches
        return next((one for one in branches if begun or self._at(one) is not None), "")

    def _check(self, item: WorkItem) -> None:
        self._check_verify(item)
        settings = item.settings
        if not item.branches:
            raise SpecguardError(
                f"{item.setting('branch')} gives {item} no branch",
                help="give the kind a template for branches that its pointer or list can fill",
                code="incomplete-policy",
            )
        if not settings.commit:
            raise SpecguardError(
                f"{item.setting('commit')} is not set, so {item} has no commit message",
                help="give the kind a template for its commit's subject",
                code="incomplete-policy",
            )
        if (settings.document or settings.index or settings.legacy) and item.located.path is None:
            located = item.located
            tried = "; ".join(map(str, located.tried))
            raise SpecguardError(
                f"the document of {item} is not in the base: {located.problem} (tried: {tried})",
                help=f"near misses: {'; '.join(located.near)}"
                if located.near
                else "bring the document into the base first, by a change of its own",
                code="item-unready",
            )

    def _check_verify(self, item: WorkItem) -> None:
        """A task that no command verifies is not begun, where its plan asks for one."""
        task = task_of(self._policy, item)
        if task is None or "verify" not in task.plan.settings.required or commands_of(task):
            return
        origin = task.origin("verify")
        raise SpecguardError(
            f"{task.name} has no command in `{task.plan.settings.keys_of('verify')[0]}`, "
            "and may not run without",
            help="have the planner add one that fails as long as the task is not done, "
            "by a change of its own",
            path=origin.path,
            line=origin.line or None,
            code="item-unready",
        )


def _open_needs(listed: Listed, sources: Sources) -> Sequence[str]:
    """The ids of what an item needs and is not done yet, or is not listed."""
    known = {normal_id(other.id): other for other in listed.source.items}
    needs = []
    for need in listed.depends_on:
        other = known.get(normal_id(need.text))
        if owes(need.text) or (
            other is not None and (other.deferred or other.conditional or sources.done(other))
        ):
            continue
        needs.append(need.text)
    return needs


def _unresolved(kind: str, unresolved: Unresolved, step: str) -> SpecguardError:
    pointer = unresolved.pointer
    tried = "; ".join(map(str, pointer.tried))
    return SpecguardError(
        f"no {kind} can be told: {unresolved.problem}" + (f" (tried: {tried})" if tried else ""),
        help=step,
        path=path_text(pointer.path) if pointer.path else None,
        line=pointer.line,
        code="item-unready",
    )
